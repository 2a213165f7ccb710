"""The transformer: sizes, registers, condition, and weights from a file."""

import json
import os
import resource
import time

import pytest
import torch
from safetensors.torch import save_file

from lensbench import DataError, LensbenchError, OptionError
from lensbench.registry import load_catalogue
from lensbench.study.defaults import own_pretraining
from lensbench_reference.encoders.vit import VisionTransformer, sine_cosine_positions
from lensbench_reference.encoders.vit_options import VisionTransformerOptions as Options
from lensbench_reference.encoders.vit_options import architecture

SMALL = {"width": 32, "depth": 2, "heads": 2}


def small(**changes) -> VisionTransformer:
    return VisionTransformer(Options(**SMALL | changes), channels=1).eval()


def saved(encoder, folder, metadata=None):
    path = folder / "model.safetensors"
    save_file(dict(encoder.state_dict()), path, metadata)
    return path


@pytest.mark.parametrize(
    ("size", "numbers"),
    [(None, (128, 4, 4)), ("tiny", (192, 12, 3)), ("small", (384, 12, 6)), ("base", (768, 12, 12))],
)
def test_sizes_are_those_of_the_papers(size, numbers):
    """Width, depth and heads by name; single numbers go before."""
    chosen = architecture(Options(size=size))
    assert (chosen.width, chosen.depth, chosen.heads) == numbers
    assert architecture(Options(size=size, depth=7)).depth == 7


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("mae-vit:size=micro,patch=8,width=128,registers=0,condition=false", "mae-vit:size=micro"),
        ("mae-vit:size=tiny,depth=12,heads=4", "mae-vit:heads=4,size=tiny"),
    ],
)
def test_a_model_has_one_spelling(catalogue, text, spelling):
    """Numbers that are those of the size are left out."""
    assert catalogue.canonical("encoder", text) == spelling


@pytest.mark.parametrize(
    "text", ["mae-vit:width=130", "mae-vit:patch=5", "mae-vit:size=tiny,heads=5"]
)
def test_numbers_that_do_not_fit_are_refused(catalogue, text):
    """Before anything is built, with what would do."""
    with pytest.raises(OptionError) as caught:
        catalogue.canonical("encoder", text)
    assert caught.value.hint


def test_patches_are_embedded_as_a_strided_convolution_does():
    """Token by token, with the positions of the grid added."""
    encoder, images = small(depth=1), torch.randn(2, 1, 24, 40)
    encoder.blocks, encoder.norm = torch.nn.ModuleList(), torch.nn.Identity()
    kernel = encoder.embed.weight.reshape(32, 1, 8, 8)
    wanted = torch.nn.functional.conv2d(images, kernel, encoder.embed.bias, stride=8)
    wanted = wanted.flatten(2).transpose(1, 2) + sine_cosine_positions(3, 5, 32)
    assert torch.allclose(encoder.tokens(images), wanted, atol=1e-5)


def test_registers_belong_to_no_patch():
    """They change the tokens, are not among them, and follow kept patches alike."""
    images = torch.randn(2, 1, 32, 32)
    encoder = small(registers=3)
    tokens = encoder.tokens(images)
    assert tokens.shape == (2, 16, 32)
    every = torch.arange(16).expand(2, -1)
    assert torch.allclose(encoder.tokens(images, every), tokens, atol=1e-5)
    torch.nn.init.normal_(encoder.registers, std=5.0)
    assert not torch.allclose(encoder.tokens(images), tokens, atol=1e-3)


def test_the_condition_reaches_every_token_once_it_is_learned():
    """Zero at the start; then one vector for all images or one for each."""
    images, encoder = torch.randn(2, 1, 32, 32), small(condition=True, pixel=0)
    assert encoder.uses_condition and not small(pixel=0).uses_condition
    one, other = torch.tensor([-1.0, -0.7, -1.5]), torch.tensor([-0.7, -0.2, -1.0])
    assert torch.equal(encoder(images, one).pooled, encoder(images).pooled)
    torch.nn.init.normal_(encoder.condition.body[2].weight)
    assert not torch.allclose(encoder(images, one).pooled, encoder(images, other).pooled)
    each = encoder(images, torch.stack([one, other])).pooled
    assert torch.allclose(each[0], encoder(images, one).pooled[0], atol=1e-5)
    assert torch.allclose(each[1], encoder(images, other).pooled[1], atol=1e-5)


def test_positions_made_without_gradients_serve_training():
    """They are kept from one call to the next, whatever the mode of the first."""
    encoder = small()
    with torch.inference_mode():
        encoder(torch.randn(1, 1, 48, 40))
    encoder.embed(torch.randn(1, 30, 64)).mul(encoder.positions(6, 5)).sum().backward()
    assert torch.isfinite(encoder.embed.weight.grad).all()


@pytest.mark.parametrize("where", ["config.json", "options inside", "metadata"])
def test_weights_come_with_their_options(catalogue, tmp_path, where):
    """From config.json beside the file or from its metadata; the features are the same."""
    encoder, said = small(registers=2), SMALL | {"registers": 2}
    path = saved(encoder, tmp_path, {"options": json.dumps(said)} if where == "metadata" else None)
    if where != "metadata":
        inside = {"encoder": "mae-vit", "options": said} if where == "options inside" else said
        (tmp_path / "config.json").write_text(json.dumps(inside))
    again = catalogue.build("encoder", f"mae-vit:weights={path}", channels=1).eval()
    images = torch.randn(1, 1, 24, 24)
    assert torch.equal(again(images).pooled, encoder(images).pooled)


def test_weights_that_do_not_fit_are_one_clear_error(tmp_path):
    """The tensor, both shapes and what to do; likewise for bands and for missing tensors."""
    path = saved(VisionTransformer(Options(**SMALL), channels=2), tmp_path)
    with pytest.raises(DataError, match=r"embed.weight"):
        VisionTransformer(Options(**SMALL, weights=str(path)), channels=3)
    path = saved(small(), tmp_path)
    with pytest.raises(DataError, match=r"embed.weight.*\(32, 64\).*\(64, 64\)") as caught:
        VisionTransformer(Options(**SMALL | {"width": 64}, weights=str(path)), channels=1)
    assert caught.value.hint
    with pytest.raises(DataError, match=r"no tensor 'blocks.2"):
        VisionTransformer(Options(**SMALL | {"depth": 3}, weights=str(path)), channels=1)
    with pytest.raises(DataError, match="tensors more"):
        VisionTransformer(Options(**SMALL | {"depth": 1}, weights=str(path)), channels=1)


def test_weights_of_one_band_look_at_the_mean_of_several(tmp_path):
    """An image of three equal bands has the features of one of them."""
    encoder = small()
    several = VisionTransformer(
        Options(**SMALL, weights=str(saved(encoder, tmp_path))), channels=3
    ).eval()
    images = torch.randn(2, 1, 24, 24)
    features = several(images.expand(-1, 3, -1, -1)).pooled
    assert torch.allclose(features, encoder(images).pooled, atol=1e-5)


def test_without_options_the_shipped_model_is_taken(catalogue):
    """It is not that of its size from scratch, and needs no pretraining."""
    shipped = catalogue.build("encoder", "mae-vit", channels=1)
    fresh = catalogue.build("encoder", "mae-vit:size=micro", channels=1)
    assert {name: value.shape for name, value in shipped.state_dict().items()} == {
        name: value.shape for name, value in fresh.state_dict().items()
    }
    assert not torch.equal(shipped.embed.weight, fresh.embed.weight)
    assert len(catalogue.digest("mae-vit")) == 64
    assert catalogue.digest("mae-vit:size=micro") == ""
    assert own_pretraining(catalogue, "mae-vit") == "none"
    assert own_pretraining(catalogue, "mae-vit:size=micro") == "mae"
    assert own_pretraining(catalogue, "mae-vit:patch=4") == "mae"


@pytest.mark.parametrize("config", ["[1, 2]", "{", '{"wdth": 32}', '{"width": "wide"}'])
def test_options_that_cannot_be_read_are_refused(tmp_path, config):
    """A file that says what is no option is named."""
    path = saved(small(), tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(DataError, match="weights"):
        VisionTransformer(Options(weights=str(path)), channels=1)


def test_the_digest_is_that_of_the_file(tmp_path):
    """It changes with one weight, is empty without weights, and a missing file is an error."""
    encoder = small()
    options = Options(weights=str(saved(encoder, tmp_path)))
    one = VisionTransformer.digest(options)
    with torch.no_grad():
        encoder.norm.bias[0] += 1
    saved(encoder, tmp_path)
    assert len(one) == 64 and VisionTransformer.digest(options) != one
    named = f"mae-vit:weights={options.weights}"
    assert load_catalogue().digest(named) == VisionTransformer.digest(options)
    assert VisionTransformer.digest(Options(size="micro")) == ""
    with pytest.raises(LensbenchError, match="nowhere"):
        VisionTransformer.digest(Options(weights=str(tmp_path / "nowhere")))
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(DataError, match="cannot be read"):
        VisionTransformer(Options(weights=str(tmp_path / "text")), channels=1)


def test_how_it_looks_is_no_part_of_its_architecture(catalogue):
    """A pretraining of one seed starts from the same weights, at native pixels or not."""
    assert catalogue.architecture("mae-vit:size=tiny,pixel=0,rings=false") == "mae-vit:size=tiny"
    assert catalogue.architecture("mae-vit:width=64") != catalogue.architecture("mae-vit:width=32")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"depth": 1_000_000}, "less than or equal to 1000"),
        ({"depth": 900}, "no tensor 'blocks.1…': depth is 900"),
        ({"width": 16_384, "heads": 1}, "has shape (16, 64), expected (16384, 64)"),
        ({"mlp_ratio": 64.0}, "expected"),
        ({"registers": 4096}, "expected (4096, 16)"),
    ],
)
def test_metadata_asks_for_no_memory(build, tmp_path, said, told):
    """A file of a few bytes that says it is a huge model is refused before one is built."""
    tiny = build("mae-vit:width=16,depth=1,heads=2,registers=2")
    options = {"width": 16, "depth": 1, "heads": 2, "registers": 2} | said
    path = tmp_path / "a.safetensors"
    save_file(dict(tiny.state_dict()), path, metadata={"options": json.dumps(options)})
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError) as caught:
        build(f"mae-vit:weights={path}")
    assert told in caught.value.message
    assert time.process_time() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2e5  # kilobytes


def test_a_named_pipe_is_no_file_of_weights(build, tmp_path):
    """It is refused and not waited for."""
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="is no regular file"):
        build(f"mae-vit:weights={tmp_path / 'a.safetensors'}")
