"""The documents of a board as typed models, in which each is checked once, when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import CITATIONS, ENVIRONMENT, STUDY, shown
from lensbench.leaderboard.board.reading import read_bytes, read_toml
from lensbench.leaderboard.board.texts import check_name, check_text


class Document(pydantic.BaseModel):
    """Plain values of stated types; a field that is not listed is an error."""

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


def _line(text: str) -> str:
    """One line of free text.

    Raises:
        ValueError: Where it is not.
    """
    if "\n" in text:
        raise ValueError("expected one line")
    return _accepted(check_text, text)


def _name(text: str) -> str:
    return _accepted(check_name, text)


def _accepted(check: Any, text: str) -> str:
    try:
        check("the text", text)
    except DataError as error:
        raise ValueError(error.message) from None
    return text


Line = Annotated[str, pydantic.AfterValidator(_line)]
Name = Annotated[str, pydantic.AfterValidator(_name)]
AxisName = Literal[
    "task",
    "encoder",
    "pretraining",
    "transfer",
    "baseline",
    "dataset",
    "train_condition",
    "labels",
    "adapt_dataset",
    "adapt_condition",
]
_Option = Line | int
_Block = dict[
    AxisName | Literal["pretraining_dataset", "pretraining_condition"], _Option | list[_Option]
]
ContrastField = Literal[
    "a",
    "b",
    "task",
    "question",
    "metric",
    "dataset",
    "test_dataset",
    "train_condition",
    "condition",
    "labels",
]


PublishedField = Literal[
    "name", "source", "task", "metric", "value", "dataset", "condition", "labels"
]


class StudyDocument(Document):
    """The study that a board answers, as `study.toml` states it.

    The fields are those of a study file; what they mean is checked when the study is run.
    """

    name: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    summary: Line = ""
    budget: Name
    axes: dict[AxisName, list[_Option]]
    tests: dict[Literal["dataset", "condition"], list[Line]] = {}
    pretraining: dict[Literal["dataset", "condition"], list[Line]] = {}
    seeds: dict[
        Literal["draw", "pretraining", "fit"], list[int] | Annotated[int, pydantic.Field(ge=1)]
    ] = {}
    run: dict[
        Literal[
            "threads",
            "device",
            "processes",
            "workers",
            "time_limit",
            "memory_limit",
            "checkpoint_every",
        ],
        _Option,
    ] = {}
    include: list[_Block] = []
    exclude: list[_Block] = []
    contrast: list[dict[ContrastField, _Option]] = []
    published: list[dict[PublishedField, _Option | float]] = []

    def seed_values(self, axis: Literal["draw", "pretraining", "fit"]) -> list[int]:
        """The seeds of an axis that the study asks for."""
        given = self.seeds.get(axis, [0])
        return list(range(given)) if isinstance(given, int) else given


class Environment(Document):
    """Versions of what computed a board: `environment.json`."""

    python: Name
    system: Name = ""
    packages: dict[Name, Name]


@dataclass(frozen=True)
class Credit:
    """A plugin that took part, with whom to cite for it. Only those of a file are checked.

    Attributes:
        kind, name: Which plugin.
        package, version: What it was installed with.
        licence: SPDX identifier.
        citation: Works, with semicolons between them.
        summary: What it is.
        data_version: Of a dataset: the version of its scenes.
    """

    __pydantic_config__ = Document.model_config

    kind: Name
    name: Name
    package: Name = ""
    version: Line = ""
    licence: Line = ""
    citation: Line = ""
    summary: Line = ""
    data_version: Line = ""


def read_study(folder: Path) -> StudyDocument:
    """The study of a board's folder.

    Raises:
        DataError: Naming the first value that is not as it should be.
    """
    study: StudyDocument = parse(StudyDocument, STUDY, read_toml(folder / STUDY, STUDY))
    return study


def read_environment(folder: Path) -> Environment:
    """The environment of a board's folder.

    Raises:
        DataError: Naming the first value that is not as it should be.
    """
    data = read_bytes(folder / ENVIRONMENT, ENVIRONMENT)
    environment: Environment = parse_json(Environment, ENVIRONMENT, data)
    return environment


def read_citations(folder: Path) -> list[Credit]:
    """The citations of a board's folder.

    Raises:
        DataError: Naming the first value that is not as it should be.
    """
    data = read_bytes(folder / CITATIONS, CITATIONS)
    citations: list[Credit] = parse_json(list[Credit], CITATIONS, data)
    return citations


def parse(model: Any, name: str, values: Any) -> Any:
    """Plain values as a model.

    Args:
        model: A type that pydantic knows.
        name: Of the document in its board.
        values: As TOML gives them.

    Raises:
        DataError: Naming the first value that is not as it should be.
    """
    try:
        return pydantic.TypeAdapter(model).validate_python(values)
    except (pydantic.ValidationError, RecursionError) as error:
        raise DataError(f"{name}: {_first_fault(error)}") from None


def parse_json(model: Any, name: str, data: bytes | str) -> Any:
    """JSON as a model.

    Raises:
        DataError: Naming the first value that is not as it should be.
    """
    try:
        return pydantic.TypeAdapter(model).validate_json(data)
    except (pydantic.ValidationError, RecursionError) as error:
        raise DataError(f"{name}: {_first_fault(error)}") from None


def _first_fault(error: Exception) -> str:
    if not isinstance(error, pydantic.ValidationError):
        return "nested too deeply"
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part)[:80] for part in first["loc"])
    reason = shown(str(first["msg"]).removeprefix("Value error, "), 200)[1:-1]
    return f"{shown(where, 100)}: {reason}" if where else reason
