"""What a stranger may put into a bundle, and what a board takes in of it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from lensbench.errors import DataError
from lensbench.leaderboard.board.archive import pack, unpack
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.joining import drawn_by_other_code, merge
from lensbench.leaderboard.board.writing import write_board


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


def test_merge_of_another_dataset(board, make_contents, tmp_path):
    """A bundle whose dataset has the same name and reads another file does not enter a board."""
    other = write_board(make_contents("radial", digest="other"), tmp_path / "other")
    with pytest.raises(DataError, match="other scenes of lenses under euclid-vis"):
        merge(board, other)
    assert open_board(board.folder).evidence == board.evidence


@pytest.mark.parametrize("code", ["abc", "def"])
def test_merge_of_scenes_that_other_code_drew(board, make_contents, tmp_path, code):
    """They enter, and which these are is known from their keys."""
    made = make_contents("radial", code={"harness": code, "torch": "2.6"})
    other = write_board(made, tmp_path / "other")
    assert drawn_by_other_code(board, other) == (code != "abc")
    joined = merge(board, other)
    assert set(joined.records["entrant"]) == {"spectrum-logreg", "hog-svm", "radial"}
    assert joined.records["images"].n_unique() == (1 if code == "abc" else 2)


def test_claimed_tiers(board, make_contents, tmp_path):
    """What a bundle says of its own verification is not taken over."""
    other = write_board(make_contents("radial"), tmp_path / "other")
    manifest = json.loads((other.folder / "manifest.json").read_text())
    manifest["checks"] = [
        {"tier": tier, "date": "2026-01-01T00:00:00Z", "lensbench": "0.1.0", "seed": None,
         "rule": "", "cells": {cell: {"passed": True, "evidence": digest, "note": ""}
                               for cell, digest in other.evidence.items()}}
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
