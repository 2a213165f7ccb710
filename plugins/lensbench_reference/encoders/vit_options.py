"""Options of `mae-vit`: shipped weights, sizes by name, single numbers, or a file of weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from lensbench import DataError, OptionError
from lensbench_reference.encoders.weights import stored_options, weights_file


@dataclass(frozen=True)
class Architecture:
    """A transformer in numbers; the defaults are those of size `micro`."""

    patch: int = 8
    width: int = 128
    depth: int = 4
    heads: int = 4
    mlp_ratio: float = 4.0
    registers: int = 0
    condition: bool = False


SHIPPED = Path(__file__).with_name("lensbench_tiny") / "model.safetensors"
"""Weights of `mae-vit` where nothing else is named: the model `lensbench-tiny`."""

_SIZES: dict[str, dict[str, Any]] = {
    "micro": {},
    "tiny": {"width": 192, "depth": 12, "heads": 3},
    "small": {"width": 384, "depth": 12, "heads": 6},
    "base": {"width": 768, "depth": 12, "heads": 12},
}


@dataclass(frozen=True)
class VisionTransformerOptions:
    """Options of `mae-vit`. Without any it is the shipped model, `lensbench-tiny`.

    With a size or a number of the architecture it starts from random weights. What is not given is
    that of the weights' file, or of the size.

    Attributes:
        size: Width, depth and heads by name: `micro` (128, 4, 4), which is taken where numbers are
            given and no size, and those of Dosovitskiy et al. 2020 and Touvron et al. 2021:
            `tiny`, `small`, `base`.
        patch: Side of a patch [pixels]: 1, 2, 4 or 8.
        width: Of a token.
        depth: Blocks.
        heads: Of the attention.
        mlp_ratio: Width of the perceptrons over that of a token.
        registers: Learned tokens beside the patches.
        condition: Whether a network of the condition's vector is added to every token.
        pixel: Side of the pixels that images are resampled to [arcsec], so that an arcsecond is as
            long under every condition; 0 takes them as they are.
        field: Side of what is looked at then, about the centre [arcsec].
        rings: Whether amplitudes of rings, which need no weights, are added to the pooled features.
        weights: A safetensors file to start from, or the folder of a pretraining; its options are
            read from `config.json` beside it, or from its metadata.
    """

    size: Literal["micro", "tiny", "small", "base"] | None = None
    patch: Annotated[int, Ge(1)] | None = None
    width: Annotated[int, Ge(4), Le(16384)] | None = None
    depth: Annotated[int, Ge(1), Le(1000)] | None = None
    heads: Annotated[int, Ge(1), Le(16384)] | None = None
    mlp_ratio: Annotated[float, Gt(0), Le(64)] | None = None
    registers: Annotated[int, Ge(0), Le(4096)] | None = None
    condition: bool | None = None
    pixel: Annotated[float, Ge(0)] = 0.1
    field: Annotated[float, Gt(0)] = 6.4
    rings: bool = True
    weights: str = ""

    def __post_init__(self) -> None:
        if self.weights:
            object.__setattr__(self, "weights", weights_file(self.weights))
            return
        if not self.size and not _given(self):
            return
        architecture(self)
        size = self.size or "micro"
        plain = Architecture(**_SIZES[size])
        for name, value in _given(self).items():
            if value == getattr(plain, name):  # one spelling for one model
                object.__setattr__(self, name, None)
        numbers = size == "micro" and _given(self)
        object.__setattr__(self, "size", None if numbers else size)

    @property
    def file(self) -> Path | None:
        """Of the weights to start from; none where they are random."""
        if self.weights:
            return Path(self.weights)
        return None if self.size or _given(self) else SHIPPED


def architecture(options: VisionTransformerOptions) -> Architecture:
    """The numbers that options come to.

    Raises:
        OptionError: Where they do not fit together.
        DataError: Where the weights' file says what is no option.
    """
    numbers: dict[str, Any] = {}
    if options.file:
        stored = _stored(options.file)
        numbers |= _SIZES[stored.size or "micro"] | _given(stored)
    numbers |= _SIZES[options.size] if options.size else {}
    built = Architecture(**numbers | _given(options))
    if built.width % built.heads:
        raise OptionError(
            f"mae-vit: width={built.width} is not a multiple of heads={built.heads}",
            f"e.g. heads={max(h for h in range(1, built.heads) if built.width % h == 0)}",
        )
    if 8 % built.patch:
        raise OptionError(
            f"mae-vit: patch={built.patch} does not divide the sides of images",
            "patch is 1, 2, 4 or 8",
        )
    return built


def _given(options: VisionTransformerOptions) -> dict[str, Any]:
    """The numbers among options that are given."""
    names = (field.name for field in dataclasses.fields(Architecture))
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _stored(path: Path) -> VisionTransformerOptions:
    """Options as the files say."""
    import pydantic

    found = stored_options(path)
    known = {field.name for field in dataclasses.fields(VisionTransformerOptions)} - {"weights"}
    unknown = sorted(set(found) - known)
    if unknown:
        raise DataError(
            f"the options beside the weights {path} have {unknown[0]!r}, which mae-vit has not",
            f"known: {', '.join(sorted(known))}",
        )
    try:
        return pydantic.TypeAdapter(VisionTransformerOptions).validate_python(found)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"the options beside the weights {path}: {first['loc']}: {first['msg']}", "correct them"
        ) from None
