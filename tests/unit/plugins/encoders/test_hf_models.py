"""Models of transformers, made small at random and read from a folder."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import torch

from lensbench import DataError, OptionError
from lensbench.testing import check_encoder
from lensbench_reference.encoders.hf_models import HuggingFaceEncoder

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TINY = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
STAGES = {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]}
MAKERS = {
    "vit": lambda t: t.ViTModel(t.ViTConfig(**TINY, num_channels=1)),
    "vit-mae": lambda t: t.ViTMAEModel(t.ViTMAEConfig(**TINY)),
    "dinov2": lambda t: t.Dinov2Model(t.Dinov2Config(**TINY | {"patch_size": 14})),
    "registers": lambda t: t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**TINY)),
    "convnext": lambda t: t.ConvNextModel(t.ConvNextConfig(**STAGES)),
    "resnet": lambda t: t.ResNetModel(t.ResNetConfig(embedding_size=8, **STAGES)),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Any:
    """A folder for each model, made when it is asked for."""
    made: dict[str, Any] = {}

    def folder(kind: str) -> Any:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            transformers.utils.logging.disable_progress_bar()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                MAKERS[kind](transformers).save_pretrained(made[kind])
            transformers.utils.logging.enable_progress_bar()
        return made[kind]

    return folder


@pytest.mark.parametrize("kind", MAKERS)
def test_it_keeps_the_contract(build, folders, kind):
    """Any size, one band or three, the same features each time, gradients and state."""
    check_encoder(build(f"hf:{folders(kind)}"))
    check_encoder(build(f"hf:{folders(kind)}", channels=3), channels=3)


@pytest.mark.parametrize("kind", ["vit", "dinov2", "registers"])
def test_tokens_are_those_of_the_model(build, folders, kind):
    """The map's cells are its last tokens, row by row; `cls` is the first."""
    encoder = build(f"hf:{folders(kind)},pooled=cls")
    side = 4 * encoder.stride
    images = torch.randn(1, 1, side, side)
    with torch.no_grad():
        features = encoder(images)
        shown = images.expand(-1, encoder.channels, -1, -1)
        given = {"interpolate_pos_encoding": True} if encoder.any_size else {}
        tokens = encoder.body(shown, **given).last_hidden_state
    assert torch.allclose(features.pooled, tokens[:, 0], atol=1e-5)
    grid = features.maps[0].flatten(2).transpose(1, 2)
    assert torch.allclose(grid, tokens[:, -16:], atol=1e-5)


def test_a_masked_autoencoder_sees_every_patch_in_its_place(build, folders):
    """A change in one corner is largest in that corner's cell, and no patch is left out."""
    encoder = build(f"hf:{folders('vit-mae')}")
    images = torch.randn(1, 1, 32, 32)
    changed = images.clone()
    changed[:, :, 24:, :8] *= -3
    with torch.no_grad():
        difference = (encoder(changed).maps[0] - encoder(images).maps[0]).square().sum(1)[0]
    assert difference.flatten().argmax() == 12  # the last row, the first column


def test_stages_are_maps_coarse_to_fine(build, folders):
    """A hierarchy gives a map for each of its strides."""
    with torch.no_grad():
        features = build(f"hf:{folders('convnext')}")(torch.randn(1, 1, 64, 64))
    assert [one.shape[-1] for one in features.maps] == [2, 4, 8, 16]


def test_the_weights_are_those_of_the_folder(build, folders):
    """Two encoders of one folder agree, whatever the seed."""
    images = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        one, other = (build(f"hf:{folders('vit')}")(images).pooled for _ in range(2))
    assert torch.equal(one, other)


def test_the_digest_changes_with_weights_and_configuration(folders, tmp_path):
    """Both files count, and no other."""
    for file in folders("vit").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    options = HuggingFaceEncoder.Options(str(tmp_path))
    one = HuggingFaceEncoder.digest(options)
    (tmp_path / "README.md").write_text("Words.")
    assert HuggingFaceEncoder.digest(options) == one
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert HuggingFaceEncoder.digest(options) != one


def test_folders_without_a_model_are_refused(build, folders, monkeypatch, tmp_path):
    """No folder, no weights, tensors that are missing, and models of another kind."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="neither a folder") as caught:
        build("hf:someone/some-model")
    assert "hf download someone/some-model" in caught.value.hint
    with pytest.raises(DataError, match="no model of transformers"):
        build(f"hf:{tmp_path}")
    config = transformers.ViTConfig(**TINY | {"num_hidden_layers": 3}, num_channels=1)
    config.save_pretrained(tmp_path)
    weights = (folders("vit") / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(DataError, match="lacks"):
        build(f"hf:{tmp_path}")
    swin = transformers.SwinConfig(embed_dim=8, depths=[1], num_heads=[1], image_size=32)
    transformers.utils.logging.disable_progress_bar()
    transformers.SwinModel(swin).save_pretrained(tmp_path)
    with pytest.raises(OptionError, match="SwinConfig"):
        build(f"hf:{tmp_path}")


CODE = """
import pathlib
pathlib.Path({marker!r}).touch()
from transformers import PretrainedConfig, PreTrainedModel
class Config(PretrainedConfig):
    model_type = "evil"
class Model(PreTrainedModel):
    config_class = Config
"""


def test_code_in_the_folder_is_never_run(build, folders, tmp_path, capsys, monkeypatch):
    """Nor is anybody asked whether to run it, who could be made to say yes."""
    marker = tmp_path / "ran"
    folder = tmp_path / "model"
    shutil.copytree(folders("vit"), folder)
    (folder / "evil.py").write_text(CODE.format(marker=str(marker)))
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(DataError, match="has no model of transformers"):
        build(f"hf:{folder}")
    assert not marker.exists() and capsys.readouterr().out == ""


def test_pickled_weights_are_never_read(build, folders, tmp_path):
    """Only safetensors, whatever else lies in the folder."""
    folder = tmp_path / "model"
    shutil.copytree(folders("vit"), folder)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(DataError):
        build(f"hf:{folder}")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [("num_hidden_layers", 10**6, "of 1000000 layers"), ("intermediate_size", 10**8, "numbers")],
)
def test_a_configuration_larger_than_its_weights(build, folders, tmp_path, field, value, told):
    """A few bytes of text ask for no memory."""
    folder = tmp_path / "model"
    shutil.copytree(folders("vit"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {field: value}))
    with pytest.raises(DataError, match=told):
        build(f"hf:{folder}")
