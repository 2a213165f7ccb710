"""Reads mutated files of a board as `verify` does; ends badly where one is not refused well.

Called with a board's folder, a folder to write to, the number of cases of each kind and a seed.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lensbench.errors import DataError
from lensbench.leaderboard.board.archive import pack, unpack
from lensbench.leaderboard.board.claims import check_provenance
from lensbench.leaderboard.board.contents import read_board_records
from lensbench.leaderboard.board.manifest import parse_manifest
from lensbench.leaderboard.board.reading import (
    check_weights,
    read_json,
    read_predictions,
    read_toml,
)
from lensbench.leaderboard.board.tables import read_predictions_table
from lensbench.leaderboard.board.zips import Slice, read_zip

SECONDS = 5.0
"""Of a processor that one case may take, however busy the machine is."""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The data with one to eight changes: bytes, cuts, repeats, strange numbers, garbage."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 2:
                del changed[at : at + chance.randint(1, 64)]
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 64)]
            case 4:
                number = chance.choice([0, -1, 2**31 - 1, -(2**31), 2**63 - 1, 255, 1 << 40])
                changed[at : at + 8] = number.to_bytes(8, "little", signed=True)
            case 5:
                changed[at:at] = chance.choice(
                    [b"[" * 5000, b"{" * 5000, b"NaN", b"1e999", b"\x00", b"\xff\xfe", b"9" * 5000]
                )
            case 6:
                del changed[at:]
        changed = changed or bytearray(b"\x00")
    return bytes(changed)


def readers(board: Path, out: Path) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    """The bytes of each kind of file and what reads them."""
    pack(board, out / "board.tar")
    records = read_board_records(board / "records.parquet")

    def read_bundle(path: Path) -> None:
        folder = out / "unpacked"
        folder.mkdir(exist_ok=True)
        try:
            unpack(path, folder)
        finally:
            for file in folder.rglob("*"):
                if file.is_file():
                    file.unlink()

    def first(pattern: str) -> bytes:
        return min(board.glob(pattern)).read_bytes()

    def member(kind: str) -> bytes:
        return next(
            bytes(one.view())
            for path in board.glob("*.zip")
            for name, one in read_zip(path, path.name).items()
            if name.startswith(kind)
        )

    return {
        "records.parquet": (first("records.parquet"), read_board_records),
        "predictions.parquet": (
            member("predictions/"),
            lambda path: list(read_predictions_table(path, path.name)),
        ),
        "predictions.h5": (
            first("predictions/*.h5"),
            lambda path: read_predictions(path, path.name),
        ),
        "archive.zip": (first("*.zip"), lambda path: read_zip(path, path.name)),
        "fits.safetensors": (
            member("fits/"),
            lambda path: check_weights(Slice.of_file(path), path.name),
        ),
        "study.toml": (first("study.toml"), lambda path: read_toml(path, path.name)),
        "provenance.json": (
            first("provenance.json"),
            lambda path: check_provenance(records, read_json(path, path.name)),
        ),
        "manifest.json": (first("manifest.json"), lambda path: parse_manifest(path.read_bytes())),
        "bundle.tar": ((out / "board.tar").read_bytes(), read_bundle),
    }


def main(board: Path, out: Path, count: int, seed: int) -> None:
    """Prints how many cases of each kind were refused, as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    chance = random.Random(seed)
    refused: Counter[str] = Counter()
    for name, (data, read) in readers(board, out).items():
        path = out / f"case{Path(name).suffix}"
        for _ in range(count):
            path.unlink(missing_ok=True)  # what is mapped into memory keeps its old bytes
            path.write_bytes(mutated(data, chance))
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                read(path)
            except DataError as error:
                refused[name] += 1
                if "\n" in error.message or len(error.message) > 600:
                    raise AssertionError(f"{name}: {error.message[:600]!r}") from None
            signal.setitimer(signal.ITIMER_PROF, 0.0)
    print(json.dumps(refused))  # noqa: T201 (read by the test)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
