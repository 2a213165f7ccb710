"""One entrant's bundle out of a board's contents, and back into a board, as a pull request is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import DataError, UsageError, nearest
from lensbench.leaderboard.board.by_scene import scored_cells
from lensbench.leaderboard.board.contents import Board, open_board
from lensbench.leaderboard.board.layout import CITATIONS, ENVIRONMENT, READING, shown
from lensbench.leaderboard.board.reading import read_json
from lensbench.leaderboard.board.writing import Contents, fill, put_in_place, scratch_beside
from lensbench.store.records import sides_of

_CARRIED = ("predictions/", "weights/", "fits/", "scores/", READING)


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
        raise UsageError(f"{entrant!r} is {len(labels)} entrants", " or ".join(map(repr, labels)))
    study = dict(contents.study)
    study["axes"] = dict(study["axes"]) | {"encoder": [], "baseline": []}
    study["include"] = include_blocks(records)
    return replace(contents, records=records, study=study, **_needed(records, contents))


def include_blocks(records: pl.DataFrame) -> list[dict[str, Any]]:
    """Blocks of a study that ask for the cells of these records again."""
    columns = (
        "encoder", "pretraining", "transfer", "baseline", "task", "dataset", "train_condition",
        "labels", "pretraining_views",
    )  # fmt: skip
    rows = records.select(columns).unique(maintain_order=True).iter_rows(named=True)
    return [
        {name: value for name, value in _block(**row).items() if value not in ("", None)}
        for row in rows
    ]


def _block(*, pretraining_views: str | None, **axes: Any) -> dict[str, Any]:
    datasets, conditions = sides_of(pretraining_views)
    if not datasets:
        return axes
    return axes | {"pretraining_dataset": datasets, "pretraining_condition": conditions}


def _needed(records: pl.DataFrame, contents: Contents) -> dict[str, Any]:
    """The descriptions and files that these records rest on."""
    provenance = contents.provenance
    done = records.filter(pl.col("state") == "done")
    keys: dict[str, set[str]] = {
        "predictions": set(done["predictions"]), "fits": set(done["cell"]), "weights": set(),
        "images": set(done["images"]), "skies": set(done["truth"].drop_nulls()),
    }  # fmt: skip
    for cell in keys["fits"]:
        inputs = provenance["fits"][cell]["inputs"]
        keys["weights"] |= {inputs["weights"]} - {""}
        keys["images"] |= set(inputs["images"])
        keys["skies"] |= set(inputs["skies"])
    for one in keys["weights"]:
        keys["images"] |= set(provenance["weights"][one]["inputs"]["images"])
    wanted = keys["predictions"] | keys["fits"] | keys["weights"]
    return {
        "provenance": {
            kind: {key: its for key, its in provenance[kind].items() if key in keys[kind]}
            for kind in keys
        },
        "files": {
            name: path
            for name, path in contents.files.items()
            if Path(name).stem in wanted
            or (name.startswith("scores/") and scored_cells(path, name) <= keys["fits"])
        },
        "elsewhere": {
            name: file for name, file in contents.elsewhere.items() if Path(name).stem in wanted
        },
    }


def contents_of(board: Board) -> Contents:
    """What a board was made from, but for what can be derived."""
    names = [name for name in board.manifest.files if name.startswith(_CARRIED)]
    return Contents(
        records=board.records,
        study=board.study,
        provenance=board.provenance,
        environment=read_json(board.folder / ENVIRONMENT, ENVIRONMENT),
        citations=read_json(board.folder / CITATIONS, CITATIONS),
        files={name: board.folder / name for name in names},
        elsewhere=board.manifest.elsewhere,
        licence=board.manifest.licence,
        checks=board.manifest.checks,
    )


def merge(board: Board, bundle: Board) -> Board:
    """Takes a bundle into a board, all of it or nothing.

    What the bundle says of its own verification counts for nothing, and neither its page nor its
    README or reading is taken.

    Raises:
        DataError: Where the two do not go together.
    """
    _check_joint(board, bundle)
    mine, other = contents_of(board), contents_of(bundle)
    study = dict(mine.study)
    study["include"] = [*study.get("include", []), *include_blocks(other.records)]
    joined = Contents(
        records=pl.concat([mine.records, other.records]),
        study=study,
        provenance={
            kind: {**other.provenance[kind], **mine.provenance[kind]} for kind in mine.provenance
        },
        environment=mine.environment,
        citations=_joined(mine.citations, other.citations),
        files={**{name: p for name, p in other.files.items() if name != READING}, **mine.files},
        elsewhere={**other.elsewhere, **mine.elsewhere},
        licence=mine.licence,
        checks=mine.checks,
    )
    with scratch_beside(board.folder) as folder:
        fill(joined, folder)
        open_board(folder)
        put_in_place(folder, board.folder)
    return open_board(board.folder)


def _joined(
    mine: Iterable[Mapping[str, str]], other: Iterable[Mapping[str, str]]
) -> list[Mapping[str, str]]:
    found = {(its["kind"], its["name"]): its for its in (*other, *mine)}
    return [found[key] for key in sorted(found)]


def _check_joint(board: Board, bundle: Board) -> None:
    """Refuses a bundle of another budget, of other scenes, or of what the board has."""
    ours, theirs = board.records["budget"][0], bundle.records["budget"][0]
    if ours != theirs:
        raise DataError(f"the bundle has budget {shown(theirs)}, the board {shown(ours)}")
    if bundle.manifest.licence != board.manifest.licence:
        raise DataError(
            f"the bundle's licence is {bundle.manifest.licence}, "
            f"the board's {board.manifest.licence}", "submit it under the board's: --licence",
        )  # fmt: skip
    both = set(board.records["cell"]) & set(bundle.records["cell"])
    if both:
        its = bundle.records.filter(pl.col("cell") == min(both))
        raise DataError(
            f"the board has cell {min(both)} of {its['entrant'][0]} already",
            "submit what is new, or remove the row first",
        )
    view = ("task", "test_dataset", "test_condition", "seed_draw")
    scenes = _scenes(board.records, view)
    for what, images in _scenes(bundle.records, view).items():
        if scenes.get(what, images) != images:
            raise DataError(
                f"the bundle was tested on other scenes of {what[1]} under {what[2]}: "
                f"images {images}, the board's are {scenes[what]}",
                "run it with the board's versions of harness and dataset",
            )
        if what not in scenes:
            raise DataError(
                f"the bundle has {what[0]} on {what[1]} under {what[2]}, seed {what[3]}, "
                "which the board does not ask", "run the board's study.toml",
            )  # fmt: skip


def _scenes(records: pl.DataFrame, view: tuple[str, ...]) -> dict[tuple[Any, ...], str]:
    done = records.filter(pl.col("state") == "done")
    return {row[:-1]: row[-1] for row in done.select(*view, "images").unique().rows()}
