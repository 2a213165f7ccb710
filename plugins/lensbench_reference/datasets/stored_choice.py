"""Which images of a source are meant: of one condition, of several as channels, or pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lensbench import DataError

_PAIRS = (("LR", "HR"), ("noisy", "clean"))
_NOTHING: Mapping[str, int] = {}
"""One for all images that nothing goes with."""


@dataclass(frozen=True)
class Choice:
    """Images of a source that are meant.

    Attributes:
        places: Their indices.
        beside: What goes with each: indices by condition.
        pair: Names of the input and of the sky, where images come in pairs.
    """

    places: tuple[int, ...]
    beside: tuple[Mapping[str, int], ...]
    pair: tuple[str, str] | None = None


def choose(source: Any, condition: str) -> Choice:
    """The images of a condition, of several joined by +, or pairs where there are such.

    Raises:
        DataError: Where there are several conditions and none is named, or one is not there.
    """
    items, path = source.items, source.path
    held = list(dict.fromkeys(item.condition for item in items))
    asked = condition.split("+") if condition else []
    pair = next((pair for pair in _PAIRS if set(pair) == set(held)), None)
    if source.layout == "pairs" and pair is None:
        pair = _sides(source, held)
    wanted = asked or (list(pair) if pair else held)
    strange = [name for name in wanted if name not in held]
    if strange or (len(wanted) > 1 and not asked and not pair):
        raise DataError(
            f"{path!r} has no condition {strange[0]!r}"
            if strange
            else f"{path!r} holds images under {len(held)} conditions",
            f"give condition= one of {', '.join(held)}, or several joined by + as channels",
        )
    if len(wanted) == 1:
        alone = tuple(i for i, item in enumerate(items) if item.condition == wanted[0])
        return Choice(alone, (_NOTHING,) * len(alone))
    by_scene: dict[str, dict[str, int]] = {}
    for index, item in enumerate(items):
        if item.condition in wanted:
            by_scene.setdefault(item.scene or item.name, {})[item.condition] = index
    whole = [images_of for images_of in by_scene.values() if len(images_of) == len(wanted)]
    if len(whole) < len(by_scene):
        raise DataError(
            f"{path!r} has {len(by_scene) - len(whole)} scenes that are not under all of "
            f"{', '.join(wanted)}",
            "leave them out, or name one condition",
        )
    return Choice(
        tuple(images_of[wanted[0]] for images_of in whole),
        tuple({name: images_of[name] for name in wanted[1:]} for images_of in whole),
        pair if pair and not asked else None,
    )


def _sides(source: Any, held: Sequence[str]) -> tuple[str, str]:
    """The sides of pairs whose names do not say which is which: the smaller is the input."""
    sides = {
        item.condition: source.read(index).pixels.shape[-1]
        for index, item in list(enumerate(source.items))[:2]
    }
    low, high = sorted(held, key=lambda name: sides.get(name, 0))[:2]
    return low, high


def sampling(source: Any, choice: Choice) -> int | None:
    """How many times as finely the other side of a pair is sampled; `None` without pairs.

    Raises:
        DataError: Where that is no whole number.
    """
    if choice.pair is None:
        return None
    low = source.read(choice.places[0]).pixels.shape[-1]
    high = source.read(choice.beside[0][choice.pair[1]]).pixels.shape[-1]
    if high % low or high < low:
        raise DataError(
            f"the pairs of {source.path!r} have {low} and {high} pixels on a side",
            "the larger has to be a multiple of the smaller",
        )
    return int(high // low)
