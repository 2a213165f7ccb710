"""Care of a store: what is in it, what is damaged, what nobody needs, why something is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensbench.errors import StoreError, UsageError, nearest
from lensbench.store.artefacts import Store
from lensbench.store.kinds import MADE_ONCE
from lensbench.store.manifests import manifest_of

KINDS = (
    *MADE_ONCE,
    "scores",
    "runs",
    "failures",
    "limits",
    "code",
)
ROOTS = ("runs", "records", "failures", "limits")
"""Kinds that are kept for their own sake."""

_LATEST = 2000
"""Among so many artefacts of a kind the nearest is looked for."""


@dataclass(frozen=True)
class Artefact:
    """One of a store.

    Attributes:
        kind: What it is.
        key: Its key.
        size: Of its file [bytes].
        touched: When it was made or last asked for, in seconds since 1970.
    """

    kind: str
    key: str
    size: int
    touched: float


def artefacts(store: Store, kinds: tuple[str, ...] = KINDS) -> Iterator[Artefact]:
    """All artefacts of a store."""
    for kind in kinds:
        for key in store.keys(kind):
            size, touched = store.measure(kind, key)
            yield Artefact(kind, key, size, touched)


def damaged(store: Store) -> list[Artefact]:
    """Artefacts whose bytes are not what was written."""
    return [one for one in artefacts(store) if not store.intact(one.kind, one.key)]


def inputs_of(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and key of all that an artefact is made from."""
    for kind, keys in description["from"].get("inputs", {}).items():
        for key in [keys] if isinstance(keys, str) else keys:
            if key:
                yield kind, key


def reached(store: Store, roots: Iterator[tuple[str, str]]) -> set[tuple[str, str]]:
    """Kind and key of these and of all that they were made from, as far as the store has it."""
    seen: set[tuple[str, str]] = set()
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        described = None if one in seen else store.describe(*one)
        if described is not None:
            seen.add(one)
            seen.update(manifest_of(described))
            waiting.extend(inputs_of(described))
    return seen


def unneeded(store: Store) -> list[Artefact]:
    """Artefacts that no record and no run was made from."""
    roots = ((one.kind, one.key) for one in artefacts(store, ROOTS))
    needed = reached(store, roots) | _beside(store)
    return [one for one in artefacts(store) if (one.kind, one.key) not in needed]


def _beside(store: Store) -> set[tuple[str, str]]:
    """What no record names though it belongs to one: features, measurements, how scores vary.

    These are needed where all that they were made from is.
    """
    roots = ((one.kind, one.key) for one in artefacts(store, ROOTS))
    needed = reached(store, roots)
    beside = set()
    for one in artefacts(store, ("features", "measurements", "scores")):
        described = store.describe(one.kind, one.key)
        if described and set(inputs_of(described)) <= needed:
            beside.add((one.kind, one.key))
            beside.update(manifest_of(described))
    return beside


def stale_checkpoints(store: Store) -> list[Path]:
    """Checkpoints of what has been made since."""
    made = store.stored("weights") | store.stored("fits")
    return [path for path in (store.root / "checkpoints").glob("*") if path.name in made]


def export(store: Store, run: str, target: Path, images: bool) -> int:
    """Copies a run with what it was made from into a store of its own.

    Returns:
        How many artefacts were copied.

    Raises:
        StoreError: Where the target holds something already.
    """
    if target.exists() and any(target.iterdir()):
        raise StoreError(f"{str(target)!r} is not empty", "name a new folder")
    other = Store(target)
    chosen = reached(store, iter([("runs", run)]))
    scores = store.stored("scores")
    chosen |= {("scores", key) for kind, key in chosen if kind == "records" and key in scores}
    left_out = set() if images else {"images", "skies", "features", "measurements"}
    copied = 0
    for kind, key in chosen:
        described = store.describe(kind, key)
        if kind in left_out or described is None or store.find(kind, key) is None:
            continue
        (other.root / kind).mkdir(exist_ok=True)
        for name in (str(described["file"]), f"{key}.json"):
            shutil.copy2(store.root / kind / name, other.root / kind / name)
        copied += 1
    return copied


def find_artefact(store: Store, prefix: str) -> tuple[str, str]:
    """Kind and key of the one artefact whose key begins so.

    Raises:
        UsageError: Where there is none, or more than one.
    """
    found = [(k, key) for k in KINDS for key in store.stored(k) if key.startswith(prefix)]
    if len({key for _, key in found}) > 1:
        raise UsageError(
            f"{prefix!r} begins {len(found)} keys",
            "; ".join(f"{kind} {key}" for kind, key in sorted(found)[:6]),
        )
    if not found or not prefix:
        known = [key for kind in KINDS for key in store.stored(kind)]
        hint = nearest(prefix, known) if len(known) < 200 else "lensbench store ls counts them"
        raise UsageError(f"the store has no artefact {prefix!r}", hint)
    return found[0]


@dataclass(frozen=True)
class Nearest:
    """The artefact that is most like another, and in what they differ.

    Attributes:
        key: Of the other.
        differs: Value there and value here, by path of the field.
    """

    key: str
    differs: Mapping[str, tuple[Any, Any]]


def nearest_artefact(store: Store, kind: str, key: str) -> Nearest | None:
    """Of the same kind, that with the fewest fields that differ; `None` where it is alone."""
    described = store.describe(kind, key)
    if described is None:
        return None
    here = dict(_leaves(described["from"]))
    best: Nearest | None = None
    for other in store.keys(kind)[-_LATEST:]:
        described_there = store.describe(kind, other)
        if other == key or described_there is None:
            continue
        there = dict(_leaves(described_there["from"]))
        differs = {
            path: (there.get(path), here.get(path))
            for path in sorted({*here, *there})
            if there.get(path) != here.get(path)
        }
        if best is None or len(differs) < len(best.differs):
            best = Nearest(other, differs)
    return best


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Plain values of nested mappings and lists, by their path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, value
