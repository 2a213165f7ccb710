"""ResNet-18, the supervised network of the DeepLense papers, ResNet-34 and a small one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge
from torch import Tensor, nn

from lensbench import DataError, Encoder, Features
from lensbench_reference.encoders.weights import (
    digest_of,
    load_into,
    stored_options,
    stored_shapes,
    weights_file,
)

SHIPPED = {
    file.parent.name.replace("_", "-"): file
    for file in sorted(Path(__file__).parent.glob("lensbench_cnn*/model.safetensors"))
}
"""Files of weights that are shipped, by the name of the model."""


class ResNet(Encoder, nn.Module):
    """A stem, then stages of residual blocks of which each is twice as wide (He et al. 2015).

    Attributes:
        blocks: Residual blocks in each stage.
    """

    blocks: tuple[int, ...]

    @dataclass(frozen=True)
    class Options:
        """Options of `resnet18` and `resnet34`: width of the first stage, stem, and weights.

        `imagenet` is the stem of He et al. and of the DeepLense papers: stride two and a pooling
        of two, which leaves 16 × 16 of 64 × 64 pixels before the first block. `small` has a stride
        of two and no pooling.

        `weights` is a safetensors file to start from, or the folder of a pretraining. Width and
        stem are then those that `config.json` beside it names. `lensbench-cnn` and the other
        names of `SHIPPED` are weights that are shipped for `small-resnet`.
        """

        width: Annotated[int, Ge(8)] = 64
        stem: Literal["imagenet", "small"] = "imagenet"
        weights: str = ""

        def __post_init__(self) -> None:
            if self.weights not in SHIPPED:
                object.__setattr__(self, "weights", weights_file(self.weights))

        @property
        def file(self) -> Path | None:
            """Of the weights to start from; none where they are random."""
            return SHIPPED.get(self.weights, Path(self.weights)) if self.weights else None

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        width, stem = _architecture(options)
        self.stem = _stem(stem, channels, width)
        widths = [width * 2**stage for stage in range(len(self.blocks))]
        self.stages = nn.ModuleList(
            nn.Sequential(
                ResidualBlock(into, out, 1 if stage == 0 else 2),
                *(ResidualBlock(out, out, 1) for _ in range(self.blocks[stage] - 1)),
            )
            for stage, (into, out) in enumerate(zip([width, *widths], widths, strict=False))
        )
        if options.file:
            load_into(self, options.file, {"stem.0.weight": _for_bands})

    @staticmethod
    def digest(options: ResNet.Options) -> str:
        """SHA-256 of the file of weights; empty where they are random."""
        return digest_of(options.file) if options.file else ""

    def forward(self, images: Tensor) -> Features:
        """Pooled last stage, and the maps of all stages, coarse to fine."""
        maps = []
        current = self.stem(images)
        for stage in self.stages:
            current = stage(current)
            maps.append(current)
        return Features(current.mean((2, 3)), tuple(reversed(maps)))


class ResNet18(ResNet):
    """Two blocks a stage."""

    blocks = (2, 2, 2, 2)


class ResNet34(ResNet):
    """Three, four, six and three blocks."""

    blocks = (3, 4, 6, 3)


class SmallResNet(ResNet):
    """Two blocks in each of three stages, for images of some 64 pixels: 175,000 weights."""

    blocks = (2, 2, 2)
    learning_rate = 3e-3

    @dataclass(frozen=True)
    class Options(ResNet.Options):
        """Options of `small-resnet`, as of `resnet18`."""

        width: Annotated[int, Ge(8)] = 16
        stem: Literal["imagenet", "small"] = "small"


def _architecture(options: ResNet.Options) -> tuple[int, str]:
    """Width and stem, of the weights' file where there is one.

    Raises:
        DataError: Where the file is of no such network.
    """
    path = options.file
    if path is None:
        return options.width, options.stem
    stored = stored_options(path)
    shape = stored_shapes(path).get("stem.0.weight", ())
    width, stem = shape[0] if len(shape) == 4 else 0, stored.get("stem", options.stem)
    if not width or stem not in ("imagenet", "small"):
        raise DataError(
            f"weights {path} are of no residual network", "name the folder of a pretraining"
        )
    return width, stem


def _for_bands(weight: Tensor, expected: Tensor) -> Tensor:
    """The stem's weight of one band, shared among so many that their mean is looked at."""
    if weight.shape[1] == 1 and weight.shape[::2] == expected.shape[::2]:
        return weight.expand_as(expected) / expected.shape[1]
    return weight


def _stem(kind: str, channels: int, width: int) -> nn.Sequential:
    kernel = 7 if kind == "imagenet" else 5
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, kernel, 2, kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
    return nn.Sequential(*layers, *([nn.MaxPool2d(3, 2, 1)] if kind == "imagenet" else []))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions around a shortcut."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(into, out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and into == out
            else nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) to (B, out, H / stride, W / stride)."""
        result: Tensor = nn.functional.relu(self.body(x) + self.shortcut(x))
        return result
