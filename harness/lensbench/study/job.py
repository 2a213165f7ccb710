"""Jobs: the units of work that a plan is cut into, each computed by one worker at a time."""

from __future__ import annotations

from dataclasses import dataclass

from lensbench.api.dataset import Split
from lensbench.study.cell import Cell, View


@dataclass(frozen=True, slots=True)
class ImagesRequest:
    """Scenes of a split, drawn once, with the images and skies to be made of them.

    Attributes:
        dataset: Name with options.
        split: Which of its splits.
        count: How many scenes, from the first.
        seed: Of the draw.
        layers: Conditions, each with the task that asks for the sky, or with no name for images.
    """

    dataset: str
    split: Split
    count: int
    seed: int
    layers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WeightsRequest:
    """The pretrained encoder of a cell."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class FeaturesRequest:
    """What a cell's frozen encoder makes of the images of a split, as its task needs it."""

    cell: Cell
    view: View
    split: str


@dataclass(frozen=True, slots=True)
class CellRequest:
    """A cell's records: fit, predictions and scores."""

    cell: Cell


Request = ImagesRequest | WeightsRequest | FeaturesRequest | CellRequest


@dataclass(frozen=True, slots=True)
class Job:
    """One unit of work.

    Attributes:
        key: Unique in a plan; of a cell it is the key of its records.
        label: For people.
        needs: Keys of the jobs that must be done before.
        request: What to make.
        like: What jobs of about the same cost have in common, for estimates of time.
    """

    key: str
    label: str
    needs: tuple[str, ...]
    request: Request
    like: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        key: Of the job.
        state: `done`, `failed`, or `no room` where a disk was full.
        error: Why it failed, in one line.
        seconds: Wall time in the worker.
        log: What it printed, and the traceback of an error.
        notes: What a user should hear of, though the job was done.
    """

    key: str
    state: str
    error: str = ""
    seconds: float = 0.0
    log: str = ""
    notes: tuple[str, ...] = ()
