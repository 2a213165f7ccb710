"""One entrant's bundle out of a board's contents, and back into a board, as a pull request is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import DataError, UsageError, nearest
from lensbench.leaderboard.board.by_scene import scored_cells
from lensbench.leaderboard.board.completeness import check_complete, check_usual_metrics
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.documents import read_citations, read_environment
from lensbench.leaderboard.board.layout import READING, shown
from lensbench.leaderboard.board.limits import PLACE, read_limits
from lensbench.leaderboard.board.tables import keys_of_table
from lensbench.leaderboard.board.writing import Contents, write_board
from lensbench.leaderboard.board.zips import Slice
from lensbench.store.records import sides_of

_CARRIED = ("predictions/", READING)


def one_entrant(contents: Contents, entrant: str) -> Contents:
    """What one entrant contributes to a board.

    Args:
        contents: Of a whole study.
        entrant: Its label, or its encoder or baseline where that is no other's.

    Raises:
        UsageError: Where there is none, or more than one.
    """
    columns = ("entrant", "encoder", "baseline")
    matches = pl.any_horizontal(pl.col(name) == entrant for name in columns)
    records = contents.records.filter(matches)
    labels = records["entrant"].unique().sort().to_list()
    if not labels:
        known = contents.records["entrant"].unique()
        raise UsageError(f"the run has no entrant {entrant!r}", nearest(entrant, known))
    if len(labels) > 1:
        raise UsageError(
            f"{entrant!r} matches {len(labels)} entrants", " or ".join(map(repr, labels))
        )
    study = dict(contents.study)
    study["axes"] = dict(study["axes"]) | {"encoder": [], "baseline": []}
    study["include"] = include_blocks(records)
    return replace(contents, records=records, study=study, **_needed(records, contents))


def include_blocks(records: pl.DataFrame) -> list[dict[str, Any]]:
    """Blocks of a study that ask for the cells of these records again."""
    columns = (
        "encoder",
        "pretraining",
        "transfer",
        "baseline",
        "task",
        "dataset",
        "train_condition",
        "labels",
        "pretraining_views",
    )
    rows = records.select(columns).unique(maintain_order=True).iter_rows(named=True)
    return [
        {name: value for name, value in _block(**row).items() if value not in ("", None)}
        for row in rows
    ]


def _block(*, pretraining_views: str | None, labels: int | None, **axes: Any) -> dict[str, Any]:
    axes["labels"] = labels or "all"  # a block that names none has those of the study's axes
    datasets, conditions = sides_of(pretraining_views)
    if not datasets:
        return axes
    return axes | {"pretraining_dataset": datasets, "pretraining_condition": conditions}


def _needed(records: pl.DataFrame, contents: Contents) -> dict[str, Any]:
    """The descriptions and files that these records rest on."""
    provenance = contents.provenance
    done = records.filter(pl.col("state") == "done")
    keys: dict[str, set[str]] = {
        "predictions": set(done["predictions"]),
        "fits": set(records["cell"]),
        "weights": set(),
        "images": set(done["images"]),
        "skies": set(done["truth"].drop_nulls()),
    }
    for cell in keys["fits"]:
        inputs = provenance["fits"][cell]["inputs"]
        keys["weights"] |= {inputs["weights"]} - {""}
        keys["images"] |= set(inputs["images"])
        keys["skies"] |= set(inputs["skies"])
    for one in keys["weights"]:
        keys["images"] |= set(provenance["weights"][one]["inputs"]["images"])
    needed = keys["predictions"] | keys["fits"] | keys["weights"]
    return {
        "provenance": {
            kind: {key: text for key, text in provenance[kind].items() if key in keys[kind]}
            for kind in keys
        },
        "files": {
            name: path
            for name, path in contents.files.items()
            if name == READING
            or Path(name).stem in needed
            or (name.startswith("scores/") and scored_cells(path, name) <= keys["fits"])
        },
        "members": {
            archive: kept
            for archive, members in contents.members.items()
            if (kept := _needed_members(members, keys))
        },
        "predictions": {
            cell: digest for cell, digest in contents.predictions.items() if cell in keys["fits"]
        },
        "elsewhere": {
            name: file for name, file in contents.elsewhere.items() if Path(name).stem in needed
        },
    }


def _needed_members(members: Mapping[str, Slice], keys: Mapping[str, set[str]]) -> dict[str, Slice]:
    """The members of an archive that hold something of these keys."""
    kept = {}
    for name, member in members.items():
        kind, stem = Path(name).parent.name, Path(name).stem
        if kind == "predictions":
            needed = bool(keys_of_table(member, name) & keys[kind])
        elif kind == "scores":
            needed = bool(scored_cells(member, name) & keys["fits"])
        else:
            needed = kind == "scenes" or stem in keys[kind]
        if needed:
            kept[name] = member
    return kept


def contents_of(board: Board) -> Contents:
    """What a board was made from, but for what can be derived."""
    names = [name for name in board.manifest.files if name.startswith(_CARRIED)]
    return Contents(
        records=board.records,
        study=board.study.model_dump(exclude_unset=True),
        provenance=board.provenance,
        environment=read_environment(board.folder).model_dump(exclude_unset=True),
        citations=[vars(one) for one in read_citations(board.folder)],
        files={name: board.folder / name for name in names},
        members=_by_task(board.shelf.archives),
        predictions=board.manifest.predictions,
        elsewhere=board.manifest.elsewhere,
        mirrors=board.manifest.mirrors,
        licence=board.manifest.licence,
        withdrawn=board.manifest.withdrawn,
        checks=board.manifest.checks,
        before=board.folder,
        limits=read_limits(board.folder),
    )


def _by_task(archives: Mapping[str, Mapping[str, Slice]]) -> dict[str, dict[str, Slice]]:
    """Members by archive without suffix, those of `NAME--2.zip` behind those of `NAME.zip`."""
    found: dict[str, dict[str, Slice]] = {}
    for name, members in archives.items():
        found.setdefault(re.split(r"--|\.zip", name)[0], {}).update(members)
    return found


def without_entrant(contents: Contents, entrant: str) -> Contents:
    """The same without the rows of one entrant, and without what only these rested on."""
    records = contents.records.filter(pl.col("entrant") != entrant)
    return replace(contents, records=records, **_needed(records, contents))


def merge(board: Board, bundle: Board, replacing: bool = False) -> Board:
    """Takes the rows of one entrant into a board, all of them or none.

    What the bundle says of its own verification counts for nothing, and neither its page nor its
    README or reading is taken.

    Args:
        board: The board.
        bundle: A board of one entrant.
        replacing: Whether the rows of that entrant which the board has give way.

    Raises:
        DataError: Where the two do not go together.
    """
    entrant = check_bundle(board, bundle, replacing)
    mine, other = without_entrant(contents_of(board), entrant), contents_of(bundle)
    study = dict(mine.study)
    asked = study.get("include", [])
    study["include"] = [*asked, *(b for b in include_blocks(other.records) if b not in asked)]
    joined = Contents(
        records=pl.concat([mine.records, other.records]),
        study=study,
        provenance={
            kind: {**other.provenance[kind], **mine.provenance[kind]} for kind in mine.provenance
        },
        environment=mine.environment,
        citations=_all_citations(mine.citations, other.citations),
        files={**{name: p for name, p in other.files.items() if name != READING}, **mine.files},
        members={
            archive: {**mine.members.get(archive, {}), **_new(archive, mine, other)}
            for archive in {**mine.members, **other.members}
        },
        predictions={**other.predictions, **mine.predictions},
        elsewhere={**other.elsewhere, **mine.elsewhere},
        mirrors=tuple(dict.fromkeys((*mine.mirrors, *other.mirrors))),
        licence=mine.licence,
        withdrawn=mine.withdrawn,
        checks=mine.checks,
        before=board.folder,
        limits=mine.limits,
    )
    check_complete(joined.records)  # before anything is written
    return write_board(joined, board.folder, replace=True)


def with_limits(board: Board, limits: pl.DataFrame) -> Board:
    """The same board with limits that take the place of its own of the same metric and condition.

    Args:
        board: The board.
        limits: From `limits_frame`.

    Raises:
        DataError: Where they are none.
    """
    contents = contents_of(board)
    old = read_limits(board.folder)
    every = pl.concat([limits, old]).unique(PLACE, keep="first", maintain_order=True).sort(PLACE)
    return write_board(replace(contents, limits=every), board.folder, replace=True)


def _new(archive: str, mine: Contents, other: Contents) -> dict[str, Slice]:
    """Members that a bundle brings and the board lacks; scene ids may be in several archives."""
    held = {name for members in mine.members.values() for name in members}
    here = mine.members.get(archive, {})
    return {
        name: member
        for name, member in other.members.get(archive, {}).items()
        if name not in (here if name.startswith("scenes/") else held)
    }


def _all_citations(
    mine: Iterable[Mapping[str, str]], other: Iterable[Mapping[str, str]]
) -> list[Mapping[str, str]]:
    found = {(credit["kind"], credit["name"]): credit for credit in (*other, *mine)}
    return [found[key] for key in sorted(found)]


def check_bundle(board: Board, bundle: Board, replacing: bool) -> str:
    """The one entrant of a bundle that a board can take in.

    Raises:
        DataError: Where it has several entrants, one that the board has, or what it does not ask.
    """
    entrants = bundle.records["entrant"].unique().sort().to_list()
    if len(entrants) > 1:
        raise DataError(
            f"the bundle has rows of {len(entrants)} entrants, {shown(entrants[0])} and "
            f"{shown(entrants[1])} among them",
            "submit each entrant in a bundle of its own",
        )
    entrant: str = entrants[0]
    if entrant in set(board.records["entrant"]) and not replacing:
        raise DataError(
            f"the board has rows of {entrant} already", "--replace puts the bundle's in their place"
        )
    if set(bundle.records["entrant"]) == set(board.records["entrant"]):
        raise DataError(f"the board has no other rows than those of {entrant}", "publish it again")
    ours, theirs = board.records["budget"][0], bundle.records["budget"][0]
    if ours != theirs:
        raise DataError(f"the bundle has budget {shown(theirs)}, the board {shown(ours)}")
    if bundle.manifest.licence != board.manifest.licence:
        raise DataError(
            f"the bundle's licence is {bundle.manifest.licence}, "
            f"the board's {board.manifest.licence}",
            "submit it under the board's: --licence",
        )
    _check_asked(board, bundle)
    _check_scenes(board, bundle)
    bare = bundle.records.filter(
        pl.col("cell").is_in(list(bundle.without_predictions)) & pl.col("predictions").is_not_null()
    )
    check_usual_metrics(bare, board.records.filter(pl.col("predictions").is_not_null()))
    return entrant


_ASKED = (
    "task",
    "dataset",
    "train_condition",
    "test_dataset",
    "test_condition",
    "labels",
    "seed_draw",
)
_SHOWN = (0, 1, 3, 4, 5, 6)


def _check_asked(board: Board, bundle: Board) -> None:
    """Refuses rows, whatever their state, of what no row of the board is of."""
    asked = set(board.records.select(_ASKED).unique().rows())
    for row in bundle.records.select(_ASKED).unique(maintain_order=True).rows():
        if row not in asked:
            what = ", ".join(f"{_ASKED[i]} {shown(row[i])}" for i in _SHOWN)
            raise DataError(
                f"the bundle has a row that the board does not ask for: {what}",
                "run the board's study.toml",
            )
    for axis in ("pretraining", "fit"):
        seeds = set(bundle.records[f"seed_{axis}"]) - set(board.study.seed_values(axis))
        if seeds:
            raise DataError(
                f"the bundle has seed_{axis} {min(seeds)}, which the board does not ask for",
                "run the board's study.toml",
            )


_VIEW = ("task", "test_dataset", "test_condition", "seed_draw")
"""What decides the test images of a row, on a board of one budget."""


def _check_scenes(board: Board, bundle: Board) -> None:
    """Refuses a bundle that was tested on other scenes than the board, whatever code drew them."""
    scenes = {what: board.provenance["images"][key] for what, key in _images(board).items()}
    for what, key in _images(bundle).items():
        drawn = _but_code(bundle.provenance["images"][key])
        if what in scenes and _but_code(scenes[what]) != drawn:
            raise DataError(
                f"the bundle was tested on other scenes of {what[1]} under {what[2]}",
                "run it with the board's study and dataset",
            )


def drawn_by_other_code(board: Board, bundle: Board) -> bool:
    """Whether the same test images of a bundle and a board come from different code."""
    ours = _images(board)
    return any(ours.get(what, key) != key for what, key in _images(bundle).items())


def _but_code(description: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in description.items() if name != "code"}


def _images(board: Board) -> dict[tuple[Any, ...], str]:
    """Key of the first test images of each view; others differ in nothing but their code."""
    done = board.records.filter(pl.col("state") == "done")
    rows = done.select(*_VIEW, "images").unique(_VIEW, maintain_order=True).rows()
    return {row[:-1]: row[-1] for row in rows}
