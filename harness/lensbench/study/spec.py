"""Study files: what is to be compared, on one page of TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import pydantic

from lensbench.api.budget import find_budget
from lensbench.errors import UsageError, nearest
from lensbench.files import check_nesting, parse_toml
from lensbench.stats.contrasts import Contrast
from lensbench.stats.published import PublishedValue
from lensbench.study.cell import DATASET, TRANSFER

Names = tuple[str, ...]
Labels = pydantic.PositiveInt | Literal["all"]

_PAGE = "docs/reference/study-files.md has every key, with an example"
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2.0**20, "GiB": 2.0**30}


class _Section(pydantic.BaseModel):
    """A table of the file; a key that it does not know is an error."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Axes(_Section):
    """The axes of a study: every combination of their values is a cell.

    Attributes:
        task: Tasks.
        encoder: Encoders; `reference` is every reference encoder, where the task trains a head.
        pretraining: Strategies; `own` is the encoder's own.
        transfer: Transfers.
        baseline: Baselines; `auto` is every one that does the task and is not
            taken by name alone.
        dataset: Scenes to train on.
        train_condition: Under which to train; `usual` is the dataset's own or the default one.
        labels: How many labelled scenes, or `all`.
        adapt_dataset: What transfers that adapt adapt to; the dataset of the last test where empty.
        adapt_condition: Under which they see these; that of the last test where empty.
    """

    task: Names = pydantic.Field(min_length=1)
    encoder: Names = ()
    pretraining: Names = ("own",)
    transfer: Names = (TRANSFER,)
    baseline: Names = ("auto",)
    dataset: Names = (DATASET,)
    train_condition: Names = ("usual",)
    labels: tuple[Labels, ...] = ("all",)
    adapt_dataset: Names = ()
    adapt_condition: Names = ()


class Tests(_Section):
    """What every fit is scored on: each dataset under each condition.

    Attributes:
        dataset: `same` is the one that was trained on.
        condition: Beside the training condition, which is always tested under; `usual` are the
            reference conditions.
    """

    dataset: Names = ("same",)
    condition: Names = ("usual",)


class Pretraining(_Section):
    """What encoders are pretrained on: all of these together.

    Attributes:
        dataset: `same` is the one that is trained on.
        condition: `train` is the training condition; `usual` is the dataset's own or the default
            one.
    """

    dataset: Names = ("same",)
    condition: Names = ("train",)


class Block(NamedTuple):
    """A product of axes, and what its encoders are pretrained on."""

    axes: Axes
    pretraining: Pretraining


class SeedAxes(_Section):
    """Seeds by axis of chance: a list, or how many from 0.

    Attributes:
        draw: Of scenes and their noise.
        pretraining: Of initial weights, order and chance of a pretraining.
        fit: Of heads, order and chance of a fit.
    """

    draw: tuple[int, ...] | pydantic.PositiveInt = (0,)
    pretraining: tuple[int, ...] | pydantic.PositiveInt = (0,)
    fit: tuple[int, ...] | pydantic.PositiveInt = (0,)

    def values(self, axis: str) -> tuple[int, ...]:
        """The seeds of an axis."""
        given: tuple[int, ...] | int = getattr(self, axis)
        return tuple(range(given)) if isinstance(given, int) else given


class Run(_Section):
    """How it is computed.

    `threads`, `device` and `processes` are part of a result's key: last digits depend on them.

    Attributes:
        threads: Of one computation.
        device: `auto`, `cpu` or `cuda`.
        processes: Among which a pretraining is divided.
        workers: Computations at a time; as many as the cores allow where it is not given.
        time_limit: Of one computation, e.g. `2 h`.
        memory_limit: Of one computation, e.g. `8 GB`.
        checkpoint_every: Between the checkpoints of a training, e.g. `5 min`.
    """

    threads: pydantic.PositiveInt = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    processes: pydantic.PositiveInt = 1
    workers: pydantic.NonNegativeInt | None = None
    time_limit: str = ""
    memory_limit: str = ""
    checkpoint_every: str = "1 min"

    @pydantic.field_validator("time_limit", "checkpoint_every")
    @classmethod
    def _a_time(cls, text: str) -> str:
        _quantity(text, _SECONDS)
        return text

    @pydantic.field_validator("memory_limit")
    @classmethod
    def _a_size(cls, text: str) -> str:
        _quantity(text, _BYTES)
        return text

    @property
    def seconds(self) -> float | None:
        """Time limit [s]."""
        return _quantity(self.time_limit, _SECONDS)

    @property
    def bytes(self) -> int | None:
        """Memory limit."""
        size = _quantity(self.memory_limit, _BYTES)
        return None if size is None else int(size)

    @property
    def checkpoint_seconds(self) -> float:
        """Time between checkpoints [s]."""
        return _quantity(self.checkpoint_every, _SECONDS) or 60.0


class Study(_Section):
    """A study file.

    Attributes:
        name: One word.
        summary: What it is to find out.
        budget: Length of training and size of splits, by name, numbers changed after a colon:
            `standard:train_steps=500`.
        axes: What is crossed with what.
        tests: What is tested on.
        pretraining: What is pretrained on.
        seeds: Chance.
        run: How it is computed.
        include: Further cells: axes named take the place of the study's, `pretraining_dataset` and
            `pretraining_condition` that of what encoders are pretrained on.
        exclude: Cells to leave out: those that match all that is named, `*` for any text.
        contrast: Comparisons that the study is made for: these alone are tested for significance.
        published: Values of papers that tables show beneath the entrants.
    """

    name: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    summary: str = ""
    budget: str = "quick"
    axes: Axes
    tests: Tests = Tests()
    pretraining: Pretraining = Pretraining()
    seeds: SeedAxes = SeedAxes()
    run: Run = Run()
    include: tuple[dict[str, Any], ...] = ()
    exclude: tuple[dict[str, Any], ...] = ()
    contrast: tuple[Contrast, ...] = ()
    published: tuple[PublishedValue, ...] = ()

    @pydantic.field_validator("budget")
    @classmethod
    def _one_spelling(cls, text: str) -> str:
        return find_budget(text).name

    @pydantic.field_validator("exclude")
    @classmethod
    def _patterns(cls, blocks: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for block in blocks:
            unknown = set(block) - EXCLUDABLE
            if unknown or not block:
                word = min(unknown, default="nothing")
                raise ValueError(f"cannot exclude by {word!r}, only by {sorted(EXCLUDABLE)}")
        return blocks

    def blocks(self) -> list[Block]:
        """What the study crosses, then what each `include` does."""
        return [Block(self.axes, self.pretraining), *map(self._included, self.include)]

    def _included(self, block: Mapping[str, Any]) -> Block:
        named = dict(block)
        seen = {key: named.pop(name) for name, key in _SEEN.items() if name in named}
        if "baseline" not in named:
            named["baseline"] = ()
        if "encoder" not in named:
            named["encoder"] = () if named["baseline"] else self.axes.encoder
        return Block(_changed(self.axes, named), _changed(self.pretraining, seen))


Section = TypeVar("Section", bound=_Section)


def _changed(section: Section, named: Mapping[str, Any]) -> Section:
    """A section with other values for what is named, each a list or its only item."""
    lists = {k: v if isinstance(v, list | tuple) else [v] for k, v in named.items()}
    return section.model_validate(section.model_dump() | lists)


_SEEN = {f"pretraining_{key}": key for key in Pretraining.model_fields}
"""Keys of an `include` that stand for those of what encoders are pretrained on."""

EXCLUDABLE = set(Axes.model_fields) - {"adapt_dataset", "adapt_condition"}
"""What an `exclude` may name."""


def parse_study(text: str, overrides: Sequence[str] = (), name: str = "study.toml") -> Study:
    """The study that a file's text says.

    Args:
        text: TOML.
        overrides: Each `key=value` or `table.key=value`, the value in TOML or a bare word.
        name: Of the file, for messages.

    Raises:
        DataError: Where the text or an override is nested too deeply.
        UsageError: Naming the key, what it is and what is allowed.
    """
    try:
        values = parse_toml(name, text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the study file is not TOML: {error}", _PAGE) from None
    for override in overrides:
        _override(values, override)
    try:
        study = Study.model_validate(values)
        study.blocks()
    except pydantic.ValidationError as error:
        raise _told(error) from None
    return study


def _override(values: dict[str, Any], override: str) -> None:
    check_nesting("--set", override)
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise UsageError(f"--set {override!r} is not key=value", "e.g. --set budget=smoke")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    table = values
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise UsageError(f"--set {override!r}: {key!r} is no table", _PAGE)
    table[keys[-1]] = value


def _told(error: pydantic.ValidationError) -> UsageError:
    """The first fault, in one line."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        if error.title == Axes.__name__:
            known = [*Axes.model_fields, *_SEEN]
            return UsageError(f"an include has no key {where[-1]!r}", nearest(where[-1], known))
        section = Study
        for part in where[:-1]:
            section = section.model_fields[part].annotation  # type: ignore[assignment]
        known = [*section.model_fields]
        return UsageError(f"a study has no key {'.'.join(where)!r}", nearest(where[-1], known))
    if first["type"] == "missing":
        return UsageError(f"the study lacks {'.'.join(where)!r}", _PAGE)
    path = ".".join(part for part in where if not part.startswith(("tuple[", "constrained")))
    if error.title == Pretraining.__name__:
        path = f"pretraining_{path}"
    message = str(first["msg"]).removeprefix("Value error, ")
    return UsageError(f"study key {path!r} is {first['input']!r}: {message}", _PAGE)


def _quantity(text: str, units: Mapping[str, float]) -> float | None:
    """A number with a unit; `None` where the text is empty."""
    if not text:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    if not found or found[2] not in units or float(found[1]) <= 0:
        raise ValueError(f"expected a number and one of {', '.join(units)}")
    return float(found[1]) * units[found[2]]
