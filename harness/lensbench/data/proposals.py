"""The command that uses a source for a task: it is tried before it is proposed."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lensbench.data.picture import Source
from lensbench.data.readers.axes import MAX_CHANNELS
from lensbench.errors import LensbenchError
from lensbench.registry import load_catalogue

_RUN = "lensbench run --encoder mae-vit"

_MOST = 1000
"""Images that `images` is tried on: it keeps the sky of each."""


@dataclass(frozen=True)
class Proposal:
    """The command that uses a source as it is.

    Attributes:
        command: Empty where there is none.
        reason: Why there is none.
        notes: What the dataset that it names says of itself.
    """

    command: str
    reason: str = ""
    notes: tuple[str, ...] = ()


def command_to_use(source: Source, scaled: bool) -> Proposal:
    """The command that uses a source as it is, or why there is none.

    Args:
        source: Recognised.
        scaled: Whether its images say how large their pixels are.
    """
    path = shlex.quote(source.path)
    if any(item.pickled for item in source.items):
        return Proposal("", "object pickles are converted first")
    if any(mark in path for mark in ",=:+"):
        return Proposal("", "its path has a mark that options are made of: convert or move it")
    reason = ""
    for options in _options_of(source):
        name = f"stored:path={path}{options}"
        try:
            dataset = load_catalogue().build("dataset", name.replace(path, source.path))
        except LensbenchError as error:
            reason = reason or f"{error.message}; {error.hint}"
            continue
        task = _task_for(dataset)
        if task:
            return Proposal(f"{_RUN} --task {task} --dataset {name}", "", dataset.notes)
        break
    if scaled:
        return Proposal(f"lensbench measure {path} --out results")
    if not any(item.condition for item in source.items):
        for options in ("", ",nan=mask"):
            if _is_taken(f"images:path={source.path},pixel_scale=1{options}", source):
                name = f"images:path={path},pixel_scale=ARCSEC{options}"
                return Proposal(f"{_RUN} --task superres --test-dataset {name}")
    return Proposal("", reason or "it has no classes, numbers or pairs, and no pixel scale")


def _is_taken(name: str, source: Source) -> bool:
    """Whether `images` takes a source; of many images none is tried, and the answer is no."""
    if len(source.items) > _MOST or source.layout not in ("image-folder", "one-image"):
        return False
    try:
        load_catalogue().build("dataset", name)
    except LensbenchError:
        return False
    return True


def _options_of(source: Source) -> Iterator[str]:
    """Options under which `stored` may take a source, the plainest first.

    Bands are tried as channels, then the condition or band with the most images.
    """
    extra = _said(source.options)
    conditions = Counter(item.condition for item in source.items)
    (most, _), *_ = conditions.most_common(1)
    chosen = [""]
    if len(conditions) > 1:
        joined = [] if source.facts or len(conditions) > MAX_CHANNELS else ["+".join(conditions)]
        chosen += [f",condition={name}" for name in (*joined, most)]
    for condition in chosen:
        for nan in ("", ",nan=mask"):
            for sizes in ("", ",sizes=crop", ",sizes=resample"):
                yield f"{extra}{condition}{nan}{sizes}"


def _said(options: str) -> str:
    """Options of the reading commands as those of `stored`."""
    words = shlex.split(options)
    pairs = zip(words[::2], words[1::2], strict=False)
    known = {"--key": "key", "--labels": "labels", "--extension": "extension"}
    return "".join(f",{known[name]}={value}" for name, value in pairs if name in known)


def _task_for(dataset: Any) -> str:
    """The task that the targets of a dataset are for; empty where it has none."""
    targets = dataset.targets
    if "sky" in targets:
        return "denoising" if dataset.upsample == 1 else f"superres:scale={dataset.upsample}"
    for name, task in (("substructure", "morphology"), ("lens", "finding")):
        if name in targets and len(targets[name].classes) > 1:
            return task
    if "class" in targets and len(targets["class"].classes) > 1:
        return "classification"
    numbers = [name for name, target in targets.items() if target.kind == "real"]
    chosen = "theta_E" if "theta_E" in numbers else next(iter(numbers), "")
    return f"regression:targets={chosen}" if chosen else ""
