"""The manifest of a board: digest and size of each file, and what was verified, when, by whom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pydantic

from lensbench.errors import DataError
from lensbench.leaderboard.board.documents import Document, Line, parse, parse_json
from lensbench.leaderboard.board.layout import (
    FORMAT,
    MANIFEST,
    MAX_FILES,
    MAX_MANIFEST,
    MAX_TOTAL,
    kind_of,
    member_kind,
    shown,
)
from lensbench.leaderboard.board.reading import read_bytes
from lensbench.leaderboard.board.texts import check_key, check_name, check_text

Tier = Literal["reported", "re-scored", "re-run", "fresh"]
TIERS: tuple[Tier, ...] = get_args(Tier)

_SHA256 = pydantic.Field(pattern=r"^[0-9a-f]{64}$")


class File(Document):
    """Digest and size [bytes] of one file."""

    sha256: str = _SHA256
    size: int = pydantic.Field(ge=0)


class Finding(Document):
    """What a check found of one cell.

    Attributes:
        passed: Whether it earned the tier.
        evidence: Digest of the records, predictions and weights that were checked; a finding on
            others counts for nothing.
        note: In one line: how well it agreed, or why it did not pass.
    """

    passed: bool
    evidence: str = _SHA256
    note: str = ""


class Check(Document):
    """One tier, tried once.

    Attributes:
        tier: Which.
        date: When, in UTC.
        lensbench: By which version.
        seed: Of what was left to chance: which cells, or which scenes.
        rule: What passing means, in one line.
        cells: What was found, by key of the cell.
    """

    tier: Tier
    date: str = pydantic.Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    lensbench: str
    seed: int | None = None
    rule: str = ""
    cells: dict[str, Finding]


class Withdrawal(Document):
    """That the results of a board no longer count.

    Attributes:
        reason: Why, in one line.
        successor: The board that takes its place, where there is one: a name or a URL.
    """

    reason: Line = pydantic.Field(min_length=1)
    successor: Line = ""

    def __str__(self) -> str:
        return self.reason + (f"; see {self.successor}" if self.successor else "")


class Manifest(Document):
    """The whole of `manifest.json`.

    Attributes:
        format: Version of the layout.
        lensbench: By which version it was published.
        licence: SPDX identifier.
        withdrawn: Why the results no longer count, where they do not.
        files: What the board carries.
        members: What each of its archives holds, by name of the archive and of the member.
        predictions: Digest of each done cell's predictions, wherever they are.
        elsewhere: Files of predictions that it rests on and need not carry.
        mirrors: URLs of folders that have these files.
        checks: What was verified.
    """

    format: Literal[3]
    lensbench: str
    licence: str
    withdrawn: Withdrawal | None = None
    files: dict[str, File]
    members: dict[str, dict[str, File]] = pydantic.Field(default_factory=dict)
    predictions: dict[str, Annotated[str, _SHA256]] = pydantic.Field(default_factory=dict)
    elsewhere: dict[str, File] = pydantic.Field(default_factory=dict)
    mirrors: tuple[Line, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def known(self) -> dict[str, File]:
        """All files that the board rests on, here and elsewhere."""
        return self.files | self.elsewhere

    def tiers(
        self, evidence: Mapping[str, str], elsewhere: Collection[str] = ()
    ) -> dict[str, Tier]:
        """The highest tier that each cell has earned, with none below it that it failed.

        Args:
            evidence: Digest of what each cell rests on now.
            elsewhere: Cells whose predictions need not be here: what is run again stands for
                what is scored again, for it gives predictions and scores of its own.
        """
        latest: dict[tuple[str, Tier], bool] = {}
        for check in self.checks:
            for cell, finding in check.cells.items():
                if evidence.get(cell) == finding.evidence:
                    latest[cell, check.tier] = finding.passed
        earned: dict[str, Tier] = {}
        for cell in evidence:
            earned[cell] = "reported"
            for tier in TIERS[1:]:
                passed = latest.get((cell, tier))
                if passed:
                    earned[cell] = tier
                elif passed is False or (tier == "re-scored" and cell not in elsewhere):
                    break
        return earned


def parse_withdrawn(reason: str, successor: str = "") -> Withdrawal:
    """What a person says of a board that is withdrawn.

    Raises:
        DataError: Where a text has several lines, mark-up or control characters.
    """
    values = {"reason": reason, "successor": successor}
    withdrawn: Withdrawal = parse(Withdrawal, "the withdrawal", values)
    return withdrawn


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replaces `manifest.json` as a whole."""
    temporary = folder / f".{MANIFEST}.new"
    values = manifest.model_dump(mode="json", exclude_defaults=True)
    temporary.write_text(json_lines(values), encoding="utf-8")
    temporary.replace(folder / MANIFEST)


def json_lines(values: Mapping[str, Any], depth: int = 3) -> str:
    """A document as JSON with a line for each entry down to a depth: small, and fit for a diff."""
    return _lines(values, depth) + "\n"


def _lines(value: Any, depth: int) -> str:
    if (
        depth
        and isinstance(value, dict)
        and (len(value) > 3 or any(isinstance(one, dict | list) for one in value.values()))
    ):
        inner = (f"{json.dumps(name)}: {_lines(one, depth - 1)}" for name, one in value.items())
        return "{\n" + ",\n".join(inner) + "\n}"
    if depth and value and isinstance(value, list):
        return "[\n" + ",\n".join(_lines(one, depth) for one in value) + "\n]"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse_manifest(text: str | bytes) -> Manifest:
    """The manifest that a text says.

    Raises:
        DataError: Naming the first thing that is not as it should be.
    """
    try:
        raw: Any = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{MANIFEST} is not JSON: {shown(str(error))}") from None
    version = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(version, int) and version != FORMAT:
        raise DataError(
            f"{MANIFEST} has format {version}, this lensbench knows {FORMAT}",
            "lensbench leaderboard convert BOARD" if version in (1, 2) else "",
        )
    manifest: Manifest = parse_json(Manifest, MANIFEST, text)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    _check_names(manifest)
    check_name(f"{MANIFEST}: licence", manifest.licence)
    check_name(f"{MANIFEST}: lensbench", manifest.lensbench)
    for name in manifest.mirrors:
        if not name.startswith(("https://", "hf://")):
            raise DataError(f"{MANIFEST}: mirror {shown(name)} is no https:// or hf:// address")
    for cell in manifest.predictions:
        check_key(f"{MANIFEST}: cell of predictions", cell)
    for check in manifest.checks:
        check_name(f"{MANIFEST}: lensbench of a check", check.lensbench)
        check_text(f"{MANIFEST}: rule of a check", check.rule)
        for cell, finding in check.cells.items():
            check_key(f"{MANIFEST}: cell of a check", cell)
            check_text(f"{MANIFEST}: note of a check", finding.note)


def _check_names(manifest: Manifest) -> None:
    files = manifest.known
    held = [(name, file) for members in manifest.members.values() for name, file in members.items()]
    if len(files) + len(held) > MAX_FILES:
        raise DataError(f"{MANIFEST} names {len(files)} files, at most {MAX_FILES} may be")
    if set(manifest.members) != {name for name in manifest.files if name.endswith(".zip")}:
        raise DataError(f"{MANIFEST} does not say what each archive holds")
    for name, file in held:
        kind = member_kind(name)
        if kind is None or file.size > kind.limit:
            raise DataError(f"{MANIFEST} names {shown(name)}: an archive has no such member")
    for name in manifest.elsewhere:
        if name in manifest.files or not name.startswith("predictions/"):
            raise DataError(f"{MANIFEST} names {shown(name)} as elsewhere, where it cannot be")
    for name, file in files.items():
        kind = kind_of(name)
        if kind is None:
            raise DataError(f"{MANIFEST} names {shown(name)}: a board has no such file")
        if file.size > kind.limit:
            raise DataError(f"{name} has {file.size} bytes, at most {kind.limit} are allowed")
    if sum(file.size for file in files.values()) > MAX_TOTAL:
        raise DataError(f"the board's files have more than {MAX_TOTAL} bytes")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a board's folder.

    Raises:
        DataError: Where there is none, or it is not one.
    """
    path = folder / MANIFEST
    if not path.exists() and not path.is_symlink():
        raise DataError(
            f"{str(folder)!r} has no {MANIFEST}", "lensbench leaderboard publish makes a board"
        )
    return parse_manifest(read_bytes(path, MANIFEST, MAX_MANIFEST))


def file_of(path: Path) -> File:
    """Digest and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(sha256=digest, size=path.stat().st_size)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
