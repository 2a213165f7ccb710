"""Residual networks that start from a file of weights."""

import json

import pytest
import torch
from safetensors.torch import save_file

from lensbench import DataError
from lensbench_reference.encoders.resnet import SHIPPED


@pytest.fixture
def folder(catalogue, tmp_path):
    """A pretraining's folder with the weights of a small network of width 8."""
    torch.manual_seed(0)
    encoder = catalogue.build("encoder", "small-resnet:width=8", channels=1)
    encoder(torch.randn(4, 1, 32, 32))  # statistics of batch normalisation are weights too
    save_file(encoder.state_dict(), tmp_path / "model.safetensors")
    options = {"width": 8, "stem": "small"}
    (tmp_path / "config.json").write_text(json.dumps({"options": options}))
    return tmp_path, encoder


def test_weights_come_with_their_width_and_stem(catalogue, folder):
    """A folder is enough; features are those of the network that was saved."""
    path, encoder = folder
    loaded = catalogue.build("encoder", f"small-resnet:weights={path}", channels=1)
    images = torch.randn(3, 1, 40, 40)
    assert torch.equal(loaded.eval()(images).pooled, encoder.eval()(images).pooled)


def test_weights_of_one_band_look_at_the_mean_of_several(catalogue, folder):
    """Three equal bands have the features of one."""
    path, encoder = folder
    loaded = catalogue.build("encoder", f"small-resnet:weights={path}", channels=3)
    image = torch.randn(2, 1, 40, 40)
    expected = encoder.eval()(image).pooled
    found = loaded.eval()(image.expand(2, 3, 40, 40)).pooled
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_digest_follows_the_weights(catalogue, folder):
    """Results of other weights have another key."""
    path, encoder = folder
    text = f"small-resnet:weights={path}"
    before = catalogue.digest(text)
    save_file({n: v + 1 for n, v in encoder.state_dict().items()}, path / "model.safetensors")
    assert before
    assert catalogue.digest(text) != before


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_weights_are_those_of_their_card(catalogue, name):
    """By their digest, and they pool what the card says they saw."""
    folder = SHIPPED[name].parent
    config = json.loads((folder / "config.json").read_text())
    assert catalogue.digest(f"small-resnet:weights={name}") == config["sha256"]
    assert config["sha256"] in (folder / "README.md").read_text()
    encoder = catalogue.build("encoder", f"small-resnet:weights={name}", channels=1)
    assert sum(p.numel() for p in encoder.parameters()) == config["parameters"]


def test_weights_of_something_else_are_refused(catalogue, folder):
    """Of no network, and of one of another depth: by the name of a tensor."""
    path, _ = folder
    with pytest.raises(DataError, match=r"have no tensor 'stages\.3"):
        catalogue.build("encoder", f"resnet18:weights={path}", channels=1)
    save_file({"head": torch.zeros(3)}, path / "model.safetensors")
    with pytest.raises(DataError, match="are of no residual network"):
        catalogue.build("encoder", f"small-resnet:weights={path}", channels=1)
