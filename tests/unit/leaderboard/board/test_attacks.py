"""What a stranger may try with the files of a board, and how each is refused in one line."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from lensbench.errors import DataError
from lensbench.leaderboard.board.archive import pack, unpack
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.joining import merge
from lensbench.leaderboard.board.writing import write_board
from lensbench.store.predictions import read_predictions, write_predictions


def refused(folder: Path, *words: str) -> str:
    """The one line with which a board is refused."""
    with pytest.raises(DataError) as error:
        open_board(folder)
    message = error.value.message
    assert "\n" not in message
    assert len(message) < 500
    for word in words:
        assert word in message
    return message


def predictions_of(folder: Path) -> Path:
    return min((folder / "predictions").iterdir())


def test_honest(board):
    """A board that was tampered with in no way is read, and its rows are reported."""
    assert set(board.tiers.values()) == {"reported"}


@pytest.mark.parametrize("name", ["records.parquet", "predictions", "study.toml", "README.md"])
def test_changed_file(board, name):
    """A file with one more byte is refused by its digest."""
    path = predictions_of(board.folder) if name == "predictions" else board.folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    refused(board.folder, "SHA-256")


def test_changed_digest(board):
    """A digest that was changed in the manifest is refused."""
    manifest = json.loads((board.folder / "manifest.json").read_text())
    manifest["files"]["records.parquet"]["sha256"] = "0" * 64
    (board.folder / "manifest.json").write_text(json.dumps(manifest))
    refused(board.folder, "records.parquet", "SHA-256")


@pytest.mark.parametrize("column", ["value", "low", "high", "chance", "seconds_fit"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_not_finite(board, change_records, column, number):
    """NaN and Inf in a column of numbers are refused."""
    change_records(board.folder, **{column: number})
    refused(board.folder, column, "not finite")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_predictions_not_finite(board, reseal, number):
    """NaN and Inf in predictions are refused."""
    path = predictions_of(board.folder)
    ids, answers = read_predictions(path)
    answers["probability"][3, 1] = number
    write_predictions(path, ids, answers)
    reseal(board.folder)
    refused(board.folder, "not finite")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda ids: ids[:-1], "23 scenes"),
        (lambda ids: [*ids[:-1], ids[0]], "more than once"),
        (lambda ids: [*ids, "0-test-24"], "25 scenes"),
        (lambda ids: ids[::-1], "other scenes"),
        (lambda ids: [i.replace("test", "train") for i in ids], "other scenes"),
    ],
)
def test_scenes(board, reseal, change, word):
    """Predictions of missing, repeated, further or other scenes are refused."""
    path = max((board.folder / "predictions").iterdir())
    ids, answers = read_predictions(path)
    changed = change(ids)
    rows = np.arange(len(changed)) % len(ids)
    write_predictions(path, changed, {"probability": answers["probability"][rows]})
    reseal(board.folder)
    refused(board.folder, word)


@pytest.mark.parametrize(
    ("column", "value"),
    [("budget", "quick"), ("labels", 10), ("seed_draw", 1), ("seed_fit", 1), ("task", "einstein"),
     ("train_condition", "hst-acs"), ("test_condition", "hst-acs"), ("dataset", "deeplense"),
     ("test_dataset", "deeplense"), ("device", "cuda"), ("code", "def")],
)  # fmt: skip
def test_claims(board, change_records, column, value):
    """A row that claims other than what its key was made from is refused."""
    change_records(board.folder, **{column: value})
    refused(board.folder, "budgets" if column == "budget" else "made from")


def test_budget_of_all(board, reseal):
    """A whole board that says another budget than its keys is refused."""
    path = board.folder / "records.parquet"
    pl.read_parquet(path).with_columns(budget=pl.lit("quick")).write_parquet(path)
    study = board.folder / "study.toml"
    study.write_text(study.read_text().replace('"smoke"', '"quick"'))
    reseal(board.folder)
    refused(board.folder, "budget", "smoke")


def test_provenance(board, reseal):
    """A description that was changed no longer hashes to its key."""
    path = board.folder / "provenance.json"
    path.write_text(path.read_text().replace('"count": 24', '"count": 240'))
    reseal(board.folder)
    refused(board.folder, "hashes")


def test_labels_from_another_split(board, reseal):
    """Predictions whose images are said to be of the training split are refused."""
    records = pl.read_parquet(board.folder / "records.parquet")
    described = json.loads((board.folder / "provenance.json").read_text())
    train = next(k for k, its in described["images"].items() if its["split"] == "train")
    records.with_columns(images=pl.lit(train)).write_parquet(board.folder / "records.parquet")
    reseal(board.folder)
    refused(board.folder, "made from")


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "a\nb", "a\x00b",
     "\u202egnp.exe", "naïve", "x" * 10**7, "\t=1", "../../etc/passwd"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["entrant", "task", "test_condition", "metric", "system"])
def test_names(board, change_records, column, text):
    """Tags, formulas, control characters and 10 MB in a name are refused."""
    change_records(board.folder, **{column: text})
    refused(board.folder)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "=1+1", "@x", "\x1b[31m", "<img src=x>", "e" * 10**7]
)
@pytest.mark.parametrize("column", ["error", "unit"])
def test_free_text(board, change_records, column, text):
    """Tags, formulas, control characters and 10 MB in free text are refused."""
    change_records(board.folder, **{column: text})
    refused(board.folder)


@pytest.mark.parametrize("name", ["study.toml", "environment.json", "citations.json"])
def test_text_of_documents(board, reseal, name):
    """A tag in any text beside the records is refused."""
    path = board.folder / name
    old = {"study.toml": "by-hand", "environment.json": "3.11", "citations.json": "someone"}[name]
    path.write_text(path.read_text().replace(old, "<script>x"))
    reseal(board.folder)
    refused(board.folder, "tag")


def test_another_name(board, change_records):
    """An entrant under another's name is refused."""
    change_records(board.folder, entrant="mae-vit + mae + finetune")
    refused(board.folder, "not what its parts say")


def test_repeated_row(board, reseal):
    """A row that stands twice is refused."""
    path = board.folder / "records.parquet"
    records = pl.read_parquet(path)
    pl.concat([records, records.head(1)]).write_parquet(path)
    reseal(board.folder)
    refused(board.folder, "twice")


def test_link(board, tmp_path):
    """A link in the folder is refused, wherever it leads."""
    (tmp_path / "secret").write_text("secret")
    readme = board.folder / "README.md"
    readme.unlink()
    readme.symlink_to(tmp_path / "secret")
    refused(board.folder, "link")


def test_further_file(board):
    """A file that the manifest does not name is refused."""
    (board.folder / "predictions" / "run.sh").write_text("rm -rf")
    refused(board.folder, "run.sh")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "predictions/../../x", "run.sh", "a" * 10**7]
)
def test_names_in_manifest(board, name):
    """A manifest that names files which no board has is refused."""
    manifest = json.loads((board.folder / "manifest.json").read_text())
    manifest["files"][name] = manifest["files"]["README.md"]
    (board.folder / "manifest.json").write_text(json.dumps(manifest))
    refused(board.folder, "no such file")


class Evil:
    """What a pickle would run."""

    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


@pytest.mark.parametrize("kind", ["fits", "predictions", "records.parquet", "study.toml",
                                  "provenance.json", "manifest.json"])  # fmt: skip
def test_pickles(board, reseal, kind, tmp_path, monkeypatch):
    """A pickle in the place of any file is refused and never loaded."""
    monkeypatch.chdir(tmp_path)
    path = board.folder / kind
    path = min(path.iterdir()) if path.is_dir() else path
    path.write_bytes(pickle.dumps(Evil()))
    if kind != "manifest.json":
        reseal(board.folder)
    refused(board.folder)
    assert not (tmp_path / "pwned").exists()


def test_parquet_bomb(board, reseal):
    """A small Parquet file that would become a large table is refused before it does."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**6, np.int32)), ["x" * 10**6])
    path = predictions_of(board.folder)
    parquet.write_table(pa.table({"scene": text}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 10**6
    reseal(board.folder)
    refused(board.folder, "text of 1000000 bytes")


def test_rows_bomb(board, reseal):
    """A Parquet file of more rows than any board has is refused before they are read."""
    path = predictions_of(board.folder)
    zeros = pa.chunked_array([pa.nulls(3_000_000, pa.int32())] * 10)
    parquet.write_table(pa.table({"scene": zeros}), path, compression="zstd")
    reseal(board.folder)
    refused(board.folder, "rows")


@pytest.fixture
def image_board(make_contents, tmp_path):
    """A board whose predictions are images."""
    return write_board(make_contents("bicubic", images=True), tmp_path / "images")


def test_images(image_board):
    """Predictions of images are read from HDF5."""
    (key,) = image_board.provenance["predictions"]
    assert image_board.predictions(key)[1]["sky"].shape == (24, 1, 4, 4)


def _external(file, folder):
    (folder / "secret").write_bytes(b"x" * 96)
    file.create_dataset("sky", (24,), "f4", external=[(str(folder / "secret"), 0, 96)])


def _virtual(file, folder):
    layout = h5py.VirtualLayout((24,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (24,))
    file.create_virtual_dataset("sky", layout)


@pytest.mark.parametrize(
    "fill",
    [
        lambda file, _: file.create_dataset("sky", (10**9, 10**3), "f4", chunks=(1000, 1000),
                                            compression="gzip"),
        lambda file, _: file.create_dataset("sky", (24,), "f4", data=np.ones(24), chunks=(8,)),
        lambda file, _: file.__setitem__("sky", h5py.ExternalLink("/etc/hostname", "x")),
        lambda file, _: file.__setitem__("sky", h5py.SoftLink("/scene")),
        lambda file, _: file.create_dataset("sky", data=["text"] * 24),
        _external,
        _virtual,
    ],
    ids=["bomb", "chunks", "external link", "soft link", "objects", "external file", "virtual"],
)  # fmt: skip
def test_hdf5(image_board, reseal, fill, tmp_path):
    """HDF5 that is compressed, linked or stored elsewhere is refused."""
    path = predictions_of(image_board.folder)
    with h5py.File(path, "w") as file:
        file["scene"] = np.array([f"0-test-{i}" for i in range(24)], "S")
        fill(file, tmp_path)
    reseal(image_board.folder)
    refused(image_board.folder)


def bundle(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    """A tar of these members."""
    with tarfile.open(path, mode) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    "member",
    [
        _member("../evil"), _member("/tmp/evil"), _member("predictions/../../evil"),
        _member("a" * 10**7), _member("run.sh"), _member("predictions/x.parquet"),
        _member("README.md", tarfile.SYMTYPE, "/etc/passwd"),
        _member("README.md", tarfile.LNKTYPE, "records.parquet"),
        _member("README.md", tarfile.FIFOTYPE), _member("README.md", tarfile.CHRTYPE),
        _member("predictions", tarfile.DIRTYPE),
    ],
    ids=["up", "absolute", "up within", "10 MB name", "script", "no key", "symlink", "hard link",
         "fifo", "device", "folder"],
)  # fmt: skip
def test_tar_members(tmp_path, member):
    """Paths out of the folder, links, devices and what no board has are refused in a bundle."""
    path = bundle(tmp_path / "bundle.tar", (member, b""))
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError) as error:
        unpack(path, tmp_path / "inside")
    assert len(error.value.message) < 300
    assert list((tmp_path / "inside").rglob("*")) == []
    assert not (tmp_path / "evil").exists()


def test_tar_repeats(tmp_path):
    """A file that a bundle holds twice is refused."""
    members = [(_member("README.md"), b"one"), (_member("README.md"), b"two")]
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match="twice"):
        unpack(bundle(tmp_path / "bundle.tar", *members), tmp_path / "inside")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed(tmp_path, mode):
    """A compressed bundle is refused, so that there is nothing to decompress."""
    path = bundle(tmp_path / "b.tar", (_member("README.md"), bytes(10**7)), mode=mode)
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match="tar"):
        unpack(path, tmp_path / "inside")


def test_large_member(tmp_path):
    """A member that is larger than its kind may be is refused before it is written."""
    path = bundle(tmp_path / "b.tar", (_member("study.toml"), bytes(10**7)))
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match="at most"):
        unpack(path, tmp_path / "inside")


def test_sparse(tmp_path):
    """A sparse file, which claims more bytes than there are, is refused."""
    member = _member("README.md")
    said = {"major": "1", "minor": "0", "name": "README.md", "realsize": str(10**12)}
    member.pax_headers = {f"GNU.sparse.{name}": value for name, value in said.items()}
    path = bundle(tmp_path / "b.tar", (member, b"1\n0\n512\n".ljust(512, b"\0") + bytes(512)))
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError):
        unpack(path, tmp_path / "inside")


def test_merge_of_another_budget(board, make_contents, tmp_path):
    """A bundle of another budget does not enter a board."""
    other = write_board(make_contents("radial", budget="quick"), tmp_path / "quick")
    with pytest.raises(DataError, match="budget"):
        merge(board, other)
    assert open_board(board.folder).evidence == board.evidence


def test_merge_of_other_scenes(board, make_contents, tmp_path):
    """A bundle tested on another draw does not enter a board."""
    other = write_board(make_contents("radial", draw=1), tmp_path / "other")
    with pytest.raises(DataError, match="does not ask"):
        merge(board, other)


def test_merge_of_what_is_there(board):
    """A row that a board has is not replaced by a bundle."""
    with pytest.raises(DataError, match="already"):
        merge(board, board)


def test_claimed_tiers(board, make_contents, tmp_path):
    """What a bundle says of its own verification is not taken over."""
    other = write_board(make_contents("radial"), tmp_path / "other")
    manifest = json.loads((other.folder / "manifest.json").read_text())
    manifest["checks"] = [
        {"tier": tier, "date": "2026-01-01T00:00:00Z", "lensbench": "0.1.0", "seed": None,
         "rule": "", "cells": {cell: {"passed": True, "evidence": its, "note": ""}
                               for cell, its in other.evidence.items()}}
        for tier in ("re-scored", "fresh")
    ]  # fmt: skip
    (other.folder / "manifest.json").write_text(json.dumps(manifest))
    claimed = open_board(other.folder)
    assert set(claimed.tiers.values()) == {"fresh"}
    joined = merge(board, claimed)
    assert set(joined.tiers.values()) == {"reported"}
    assert len(joined.tiers) == 3


def test_bundle(board, tmp_path):
    """A board comes out of its tar as it went in, without times or names of users."""
    pack(board.folder, tmp_path / "board.tar")
    with tarfile.open(tmp_path / "board.tar") as tar:
        assert {(m.uid, m.uname, m.mtime) for m in tar} == {(0, "", 0)}
    (tmp_path / "inside").mkdir()
    unpack(tmp_path / "board.tar", tmp_path / "inside")
    assert open_board(tmp_path / "inside").evidence == board.evidence
