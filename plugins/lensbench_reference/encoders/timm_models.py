"""Any model of timm as an encoder."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lensbench import DataError, Encoder, Features, OptionError
from lensbench_reference.encoders.extras import hub_folder, package
from lensbench_reference.encoders.resizing import resized
from lensbench_reference.encoders.weights import digest_of, read

IMPORTED_BY_NAME = ("timm",)

WEIGHTS = "model.safetensors"


class TimmEncoder(Encoder, nn.Module):
    """A model of timm (Wightman 2019) without its classifier.

    Sides of images are interpolated to the next multiple of the model's stride, two strides at
    least, or to the one size that a model was made for. Maps are those of its stages, one for each
    stride, or of the last block where all have the same.
    """

    positional = "model"

    @dataclass(frozen=True)
    class Options:
        """Options of `timm`.

        Attributes:
            model: Name in timm, with a tag or without.
            pretrained: Whether to take the weights of that name, downloaded before.
            weights: A safetensors file of this model to take instead.
        """

        model: str
        pretrained: bool = False
        weights: str = ""

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.body = _create(options.model, channels, self._weights(options))
        strides = [stage["reduction"] for stage in self.body.feature_info]
        self.stride = max(strides)
        self.last = 1 if len(set(strides)) == 1 else None
        config = self.body.pretrained_cfg
        dynamic = getattr(self.body, "dynamic_img_size", False)
        any_size = dynamic or not config.get("fixed_input_size")
        self.size = None if any_size else tuple(config["input_size"][1:])

    @classmethod
    def digest(cls, options: Options) -> str:
        """SHA-256 of the file of weights; empty where none is taken."""
        path = cls._weights(options)
        return digest_of(path) if path else ""

    def forward(self, images: Tensor) -> Features:
        """The model's own pooling, and its maps coarse to fine."""
        final, maps = self.body.forward_intermediates(self._fitting(images), indices=self.last)
        by_side = {one.shape[-1]: one for one in maps}
        pooled = self.body.forward_head(final, pre_logits=True).flatten(1)
        return Features(pooled, tuple(by_side[side] for side in sorted(by_side)))

    def _fitting(self, images: Tensor) -> Tensor:
        if self.size:
            return resized(images, *self.size)
        height, width = (max(2, -(-side // self.stride)) * self.stride for side in images.shape[2:])
        return resized(images, height, width)

    @staticmethod
    def _weights(options: TimmEncoder.Options) -> Path | None:
        """The file of weights that options ask for."""
        if options.weights:
            return Path(options.weights)
        if not options.pretrained:
            return None
        config = package("timm", "timm", "timm").get_pretrained_cfg(options.model)
        if config is None or not config.hf_hub_id:
            raise OptionError(
                f"timm has no pretrained weights of {options.model!r} on the hub",
                "leave pretrained=true out, or give weights=PATH",
            )
        return hub_folder(config.hf_hub_id) / WEIGHTS


class ZoobotEncoder(TimmEncoder):
    """An encoder of Zoobot (Walmsley et al. 2023): a model of timm that learned Galaxy Zoo."""

    @dataclass(frozen=True)
    class Options:
        """Options of `zoobot`: the end of `mwalmsley/zoobot-encoder-NAME` on the hub."""

        model: str = "convnext_nano"
        pretrained: bool = True
        weights: str = ""

    @staticmethod
    def _weights(options: Any) -> Path | None:
        if options.weights:
            return Path(options.weights)
        if not options.pretrained:
            return None
        return hub_folder(f"mwalmsley/zoobot-encoder-{options.model}") / WEIGHTS


def _create(name: str, channels: int, weights: Path | None) -> Any:
    """A model without a classifier, for any size where it can."""
    timm = package("timm", "timm", "timm")
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        raise OptionError(
            f"timm has no model {name!r}",
            f"did you mean {' or '.join(close)}?" if close else "see timm.list_models()",
        )
    given: dict[str, Any] = {"num_classes": 0, "in_chans": channels}
    if weights:
        # Without the classifier, and said to have none, timm asks for every tensor.
        state = _without_classifier(weights, timm.get_pretrained_cfg(name, allow_unregistered=True))
        given |= {
            "pretrained": True,
            "pretrained_cfg_overlay": {"state_dict": state, "num_classes": 0},
        }
    try:
        model = _any_size(timm, name, given)
    except (RuntimeError, KeyError, NotImplementedError) as error:
        said = str(error).replace("\n", " ")[:200]
        raise DataError(
            f"weights {weights} do not fit timm's {name}: {said}", "name a file of this model"
        ) from None
    model.pretrained_cfg.pop("state_dict", None)
    if not hasattr(model, "forward_intermediates"):
        raise OptionError(
            f"timm's {name} does not give the maps of its stages",
            "take a model with forward_intermediates",
        )
    return model


def _any_size(timm: Any, name: str, given: dict[str, Any]) -> Any:
    try:
        return timm.create_model(name, dynamic_img_size=True, **given)
    except TypeError:  # a model that does not know the option
        return timm.create_model(name, **given)


def _without_classifier(weights: Path, config: Any) -> dict[str, Tensor]:
    """Tensors of a file, but for those of the model's classifier."""
    layers = getattr(config, "classifier", None) or ()
    layers = (layers,) if isinstance(layers, str) else layers
    starts = tuple(f"{layer}." for layer in layers)
    return {name: value for name, value in read(weights).items() if not name.startswith(starts)}
