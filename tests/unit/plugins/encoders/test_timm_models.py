"""Models of timm, their sizes, maps and weights."""

import sys
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from lensbench import DataError, IncompatibleError, LensbenchError, OptionError
from lensbench_reference.encoders.timm_models import TimmEncoder

pytestmark = pytest.mark.skipif(not find_spec("timm"), reason="timm is not installed")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a small network for three bands, with a classifier, as timm publishes them."""
    import timm

    torch.manual_seed(1)
    model = timm.create_model("test_resnet", in_chans=3, num_classes=7)
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file(model.state_dict(), path)
    return path


def test_a_bare_name_is_the_model(catalogue):
    """`timm:NAME` and `timm:model=NAME` are one entrant."""
    wanted = "timm:model=test_vit"
    assert catalogue.canonical("encoder", "timm:test_vit") == wanted
    assert catalogue.canonical("encoder", "timm:pretrained=false,model=test_vit") == wanted


@pytest.mark.parametrize(
    ("model", "maps"),
    [
        ("test_resnet", [2, 4, 8, 16, 32]),
        ("test_convnext", [2, 4, 8, 16]),
        ("test_efficientnet", [2, 4, 8, 16, 32]),
        ("test_vit", [4]),
    ],
)
def test_stages_are_maps_coarse_to_fine(build, model, maps):
    """One map for each stride of a hierarchy, one in all of a plain transformer."""
    with torch.no_grad():
        features = build(f"timm:{model}")(torch.randn(1, 1, 64, 64))
    assert [one.shape[-1] for one in features.maps] == maps


def test_pooled_features_are_those_of_the_model(build):
    """At sizes that the model can take, nothing is interpolated."""
    encoder, images = build("timm:test_resnet"), torch.randn(2, 1, 96, 64)
    with torch.no_grad():
        assert torch.allclose(encoder(images).pooled, encoder.body(images), atol=1e-6)


def test_a_model_of_one_size_is_given_that_size(build):
    """Images are interpolated to the size that its weights are made for."""
    encoder = build("timm:mixer_s32_224")
    assert encoder.size == (224, 224)
    with torch.no_grad():
        assert encoder(torch.randn(1, 1, 24, 32)).maps[0].shape[2:] == (7, 7)


def test_weights_of_three_bands_are_summed_for_one(build, weights):
    """A grey image has the features of that image in all bands."""
    grey, colour = (build(f"timm:test_resnet,weights={weights}", channels=c) for c in (1, 3))
    images = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        one, three = grey(images).pooled, colour(images.expand(-1, 3, -1, -1)).pooled
    assert torch.allclose(one, three, atol=1e-4)
    assert TimmEncoder.digest(TimmEncoder.Options("test_resnet", weights=str(weights)))
    assert TimmEncoder.digest(TimmEncoder.Options("test_resnet")) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("timm:test_resnot", "test_resnet"),
        ("timm:test_resnet,pretrained=true", "hf download"),
        ("timm:test_resnet,weights=/nowhere.safetensors", "nowhere"),
        ("zoobot", "hf download mwalmsley/zoobot-encoder-convnext_nano"),
        ("zoobot:no_such_model,pretrained=false", "no_such_model"),
    ],
)
def test_mistakes_say_what_to_do(catalogue, monkeypatch, tmp_path, text, words):
    """Unknown names, and weights that are not on this machine: nothing is downloaded."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises((OptionError, DataError)) as caught:
        catalogue.build("encoder", text, channels=1)
    assert words in caught.value.message + caught.value.hint


def test_weights_of_another_model_are_refused(catalogue, weights):
    """One line, with the file and the model."""
    with pytest.raises(DataError, match=r"model.safetensors do not fit timm's test_vit"):
        catalogue.build("encoder", f"timm:test_vit,weights={weights}", channels=1)


def test_downloaded_weights_are_found(catalogue, monkeypatch, tmp_path, weights):
    """Zoobot's are taken from the hub's folder of downloads, and their digest is the key's."""
    root = tmp_path / "models--mwalmsley--zoobot-encoder-test_resnet"
    folder = root / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("a" * 40)
    (folder / "model.safetensors").write_bytes(weights.read_bytes())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    zoobot = catalogue.build("encoder", "zoobot:test_resnet", channels=1).eval()
    same = catalogue.build("encoder", f"timm:test_resnet,weights={weights}", channels=1).eval()
    images = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(zoobot(images).pooled, same(images).pooled)
    assert len(type(zoobot).digest(type(zoobot).Options("test_resnet"))) == 64


@pytest.mark.parametrize(("name", "missing"), [("timm:test_vit", "timm"), ("hf:x", "transformers")])
def test_a_missing_package_is_named_with_the_command(
    catalogue, monkeypatch, tmp_path, name, missing
):
    """One clear error, and how to install what is missing."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    with pytest.raises(LensbenchError) as caught:
        catalogue.build("encoder", name, channels=1)
    assert isinstance(caught.value, IncompatibleError)
    assert "pip install" in caught.value.hint and missing in caught.value.message
