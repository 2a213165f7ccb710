"""Makes a board's folder: from what a study computed, without a word on whose machine it was."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

import lensbench
from lensbench.errors import DataError, UsageError
from lensbench.leaderboard.board.claims import Provenance
from lensbench.leaderboard.board.contents import Board, open_board
from lensbench.leaderboard.board.layout import (
    CITATIONS,
    ENVIRONMENT,
    FORMAT,
    LIMITS,
    MANIFEST,
    PAGE,
    PROVENANCE,
    READING,
    README,
    RECORDS,
    STUDY,
)
from lensbench.leaderboard.board.limits import of_records
from lensbench.leaderboard.board.manifest import (
    Check,
    File,
    Manifest,
    Withdrawal,
    file_of,
    json_lines,
    read_manifest,
    write_manifest,
)
from lensbench.leaderboard.board.packing import Packer, write_archives
from lensbench.leaderboard.board.readme import readme_text
from lensbench.leaderboard.board.shelf import member_of
from lensbench.leaderboard.board.texts import first_path, plain
from lensbench.leaderboard.board.zips import Slice, read_zip
from lensbench.store.claims import temporary_folder
from lensbench.store.records import columns_of, sort_records


@dataclass(frozen=True)
class Contents:
    """What a board is made from.

    Attributes:
        records: Its records.
        study: Its study, as plain values.
        provenance: What each key was made from.
        environment: Versions of what computed it.
        citations: Whom to cite, one mapping a plugin.
        files: Predictions, scores by scene, fits, weights and a reading, by their name in a store.
        members: What goes into archives as it is, by archive without suffix and by name.
        predictions: Digest of each cell's predictions, where these are not among the files.
        elsewhere: Predictions that it rests on and does not carry, by their name if it did.
        mirrors: URLs of folders that have these.
        licence: SPDX identifier of the board's own.
        withdrawn: Why it no longer counts, where it does not.
        checks: What was verified of it before.
        before: The folder of the board that it grows from, whose archives are appended to.
        limits: What is known of the limits of its tasks, from `limits_frame`.
    """

    records: pl.DataFrame
    study: Mapping[str, Any]
    provenance: Provenance
    environment: Mapping[str, Any]
    citations: Sequence[Mapping[str, str]]
    files: Mapping[str, Path]
    members: Mapping[str, Mapping[str, Slice]] = field(default_factory=dict)
    predictions: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, File] = field(default_factory=dict)
    mirrors: tuple[str, ...] = ()
    licence: str = "CC-BY-4.0"
    withdrawn: Withdrawal | None = None
    checks: tuple[Check, ...] = ()
    before: Path | None = None
    limits: pl.DataFrame | None = None


def write_board(contents: Contents, target: Path, replace: bool = False) -> Board:
    """Writes a board beside its place, opens it as a stranger would, and moves it there.

    Args:
        contents: What it is made from.
        target: Its folder: absent, empty, or with nothing but hidden files, as a new git checkout.
        replace: Whether a board that is there gives way; its hidden files stay.

    Raises:
        UsageError: Where the target holds something else.
        DataError: Where a path of this machine would be published, or a file is damaged.
    """
    check_target(target, replace)
    with scratch_beside(target) as folder:
        fill(contents, folder)
        open_board(folder)
        put_in_place(folder, target)
    return open_board(target)


def fill(contents: Contents, folder: Path) -> None:
    """Writes the files of a board into an empty folder, the manifest last."""
    records = sort_records(without_persons(contents.records))
    columns = columns_of(records["version"][0]) if len(records) else records.columns
    records.select(list(columns)).write_parquet(folder / RECORDS, compression_level=9)
    limits = contents.limits
    if limits is not None and len(limits := of_records(limits, contents.records)):
        limits.write_parquet(folder / LIMITS)
    _write_documents(contents, folder)
    with temporary_folder() as scratch:
        packed = Packer(records, scratch).pack(contents.files)
        for name in packed.loose:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(contents.files[name], folder / name)
        members = _joined(packed.members, contents.members)
        write_archives(members, folder, contents.before)
    manifest = Manifest(
        format=FORMAT,
        lensbench=lensbench.__version__,
        licence=contents.licence,
        withdrawn=contents.withdrawn,
        files={},
        members=_members_in(folder),
        predictions={**packed.predictions, **contents.predictions},
        elsewhere=dict(contents.elsewhere),
        mirrors=contents.mirrors,
        checks=contents.checks,
    )
    reading = (folder / READING).read_text(encoding="utf-8") if READING in contents.files else ""
    text = readme_text(records, contents.study, contents.citations, manifest, reading)
    (folder / README).write_text(text, encoding="utf-8")
    for name in (STUDY, ENVIRONMENT, CITATIONS, PROVENANCE, README):
        found = first_path((folder / name).read_text(encoding="utf-8"))
        if found:
            raise DataError(
                f"{name} would publish the path {found!r}", "name data by plugins, not by paths"
            )
    files = {
        path.relative_to(folder).as_posix(): file_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_manifest(folder, manifest.model_copy(update={"files": files}))


def _write_documents(contents: Contents, folder: Path) -> None:
    documents = {ENVIRONMENT: contents.environment, CITATIONS: list(contents.citations)}
    for name, document in documents.items():
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    provenance = {kind: dict(sorted(of.items())) for kind, of in contents.provenance.items()}
    (folder / PROVENANCE).write_text(json_lines(provenance, 2), encoding="utf-8")
    (folder / STUDY).write_text(tomli_w.dumps(without_nulls(contents.study)), encoding="utf-8")


def _joined(
    new: Mapping[str, Mapping[str, Slice]], old: Mapping[str, Mapping[str, Slice]]
) -> dict[str, dict[str, Slice]]:
    """Members of each archive, those that are there already first."""
    archives = {**old, **new}
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in sorted(archives)}


def _members_in(folder: Path) -> dict[str, dict[str, File]]:
    return {
        path.name: {name: member_of(member) for name, member in read_zip(path, path.name).items()}
        for path in sorted(folder.glob("*.zip"))
    }


_NAMES = (
    "entrant",
    "encoder",
    "pretraining",
    "transfer",
    "baseline",
    "task",
    "dataset",
    "test_dataset",
    "train_condition",
    "test_condition",
    "pretraining_views",
    "target_view",
)


def without_persons(records: pl.DataFrame) -> pl.DataFrame:
    """Records whose errors name no path and hold no mark-up.

    Raises:
        DataError: Where a plugin's option is a path: others could not run it again.
    """
    for column in _NAMES:
        for text in records[column].unique().drop_nulls():
            found = first_path(text) or next(_files_in(text), "")
            if found:
                raise DataError(
                    f"{column} {text!r} holds the path {found!r}, which means nothing elsewhere",
                    "register the data, PSF or weights as a plugin, then run and publish that",
                )
    return records.with_columns(
        pl.col("error", "device_name").map_elements(plain, return_dtype=pl.String, skip_nulls=True)
    )


def _files_in(text: str) -> Iterator[str]:
    """Values of options that are files of this machine."""
    for part in text.replace(" | ", ",").split(","):
        value = part.rpartition("=")[2] if "=" in part else ""
        if "/" in value and Path(value).exists():
            yield value


def check_target(target: Path, replace: bool) -> None:
    """Refuses a place where a board would mix with other files.

    Raises:
        UsageError: Saying what is there.
    """
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"{str(target)!r} is a file", "name a folder")
    others = [path.name for path in target.iterdir() if not path.name.startswith(".")]
    if MANIFEST in others and not replace:
        raise UsageError(f"{str(target)!r} holds a board already", "--replace puts this in place")
    if others and MANIFEST not in others:
        raise UsageError(
            f"{str(target)!r} holds {min(others)!r}, which is not of a board", "name a new folder"
        )


@contextmanager
def scratch_beside(target: Path) -> Iterator[Path]:
    """A hidden new folder on the same disk as the target, gone at the end."""
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    folder = target.absolute().parent / f".{target.name}-{secrets.token_hex(6)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(folder: Path, target: Path) -> None:
    """Moves a finished board to its place; hidden files that are there stay.

    Where nothing hidden is there, the folder takes the place in one step. Else the manifest goes
    first and comes last, so that what lies between is no board. Predictions that lie there, and
    that the new board has elsewhere, stay.
    """
    if not target.exists():
        folder.rename(target)
        return
    old: set[str] = set()
    if (target / MANIFEST).exists():
        before = read_manifest(target)
        old = before.files.keys() | before.elsewhere.keys() - read_manifest(folder).elsewhere.keys()
    (target / MANIFEST).unlink(missing_ok=True)
    for name in (*old, PAGE):
        (target / name).unlink(missing_ok=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            goal = target / path.relative_to(folder)
            goal.parent.mkdir(exist_ok=True)
            os.replace(path, goal)  # noqa: PTH105 (over what is there)
    (folder / MANIFEST).replace(target / MANIFEST)


def without_nulls(value: Any) -> Any:
    """A document without the keys that have no value, for TOML has no word for these."""
    if isinstance(value, Mapping):
        return {k: without_nulls(one) for k, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list | tuple) else value
