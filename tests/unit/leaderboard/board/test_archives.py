"""Archives of a board: read only as they are written, and appended to by a merge."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from refusals import refused
from tests.forged_boards import change_members, change_predictions, members_of, reseal

from lensbench.errors import DataError
from lensbench.leaderboard.board.by_scene import PublishedScore, check_scores
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.joining import merge, one_entrant
from lensbench.leaderboard.board.manifest import Check, Finding, read_manifest, write_manifest
from lensbench.leaderboard.board.tables import ROUNDED, rounded
from lensbench.leaderboard.board.writing import write_board
from lensbench.leaderboard.board.zips import read_zip
from lensbench.store.scores import scores_frame

DATE = (1980, 1, 1, 0, 0, 0)
FIT = "fits/" + "0" * 20 + ".safetensors"


def archive_of(board) -> Path:
    """The one archive of a board of one task."""
    (path,) = board.folder.glob("*.zip")
    return Path(path)


def test_a_board_is_a_handful_of_files(board):
    """Eight files, and any unpacker reads the archive of a task."""
    there = sorted(path.name for path in board.folder.iterdir())
    assert there == [
        "README.md", "citations.json", "environment.json", "manifest.json", "morphology.zip",
        "provenance.json", "records.parquet", "study.toml",
    ]  # fmt: skip
    with zipfile.ZipFile(archive_of(board)) as archive:
        assert archive.testzip() is None
        kinds = [name.partition("/")[0] for name in archive.namelist()]
    assert sorted(kinds) == ["fits", "fits", "predictions", "predictions", "scenes"]


def test_a_merge_appends(board, make_contents, tmp_path):
    """The bytes of members that were there stay where they are; those of the bundle follow."""
    path = archive_of(board)
    before, held = path.read_bytes(), read_zip(path, path.name)
    end = max(one.start + one.size for one in held.values())
    joined = merge(board, write_board(make_contents("ring"), tmp_path / "bundle"))
    assert path.read_bytes()[:end] == before[:end]
    added = set(joined.manifest.members[path.name]) - set(held)
    assert sorted(name.partition("/")[0] for name in added) == ["fits", "predictions"]
    again = {name: one for name, one in read_zip(path, path.name).items() if name in held}
    assert {n: (o.start, o.size) for n, o in again.items()} == {
        n: (o.start, o.size) for n, o in held.items()
    }


def test_an_entrant_that_leaves_takes_its_members_along(board, make_contents, tmp_path):
    """What only the old rows rested on is in no archive any more."""
    bundle = write_board(one_entrant(make_contents("hog-svm"), "hog-svm"), tmp_path / "bundle")
    joined = merge(board, bundle, replacing=True)
    assert joined.shelf.tables.keys() == set(joined.records["predictions"])
    assert len(members_of(joined.folder)) == 5


def test_predictions_come_back_bit_for_bit(board):
    """As they were written by the run, with the ids of their scenes."""
    for number, baseline in enumerate(("spectrum-logreg", "hog-svm")):
        (key,) = board.records.filter(baseline=baseline)["predictions"]
        ids, arrays = board.predictions(key)
        values = np.random.default_rng(number).random((24, 3), dtype=np.float32)
        assert arrays["probability"].tobytes() == values.tobytes()
        assert ids == [f"0-test-{index}" for index in range(24)]


def test_scores_by_scene_are_rounded_far_below_what_any_check_allows():
    """To the nearest of so many bits; zero, one and what is not finite stay what they are."""
    values = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    near = rounded(values)
    assert 0 < np.max(np.abs(near / values - 1)) <= 2.0 ** -(ROUNDED + 1)
    assert not np.any(near.view(np.uint32) & ((1 << (23 - ROUNDED)) - 1))
    exact = np.array([0, 1, -1, 0.5, np.inf, -np.inf], np.float32)
    assert rounded(exact).tobytes() == exact.tobytes()
    assert np.isnan(rounded(np.array([np.nan], np.float32))).all()


def written(path: Path, *members: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for info, data in members:
            archive.writestr(info, data)
    return path


def _patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    """Bytes with a value at so many bytes after the last mark."""
    at = data.rindex(mark) + offset
    return data[:at] + value + data[at + len(value) :]


END, CENTRAL, LOCAL = b"PK\5\6", b"PK\1\2", b"PK\3\4"
HOSTILE = {
    "bytes before": lambda data: b"x" + data,
    "bytes behind": lambda data: data + b"x",
    "a comment": lambda data: _patched(data, END, 20, b"\1\0") + b"x",
    "a gap": lambda data: data[: data.index(CENTRAL)] + b"x" + data[data.index(CENTRAL) :],
    "more members than listed": lambda data: _patched(data, END, 8, b"\0\0\0\0"),
    "fewer members than counted": lambda data: _patched(data, END, 8, b"\xff\xff\xff\xff"),
    "an overlap": lambda data: _patched(data, CENTRAL, 42, struct.pack("<I", 0)),
    "a size that is not so": lambda data: _patched(data, CENTRAL, 20, struct.pack("<II", 9, 9)),
    "a larger member": lambda data: _patched(data, CENTRAL, 24, struct.pack("<I", 2**31)),
    "compressed": lambda data: _patched(data, CENTRAL, 10, b"\x08\0"),
    "encrypted": lambda data: _patched(data, CENTRAL, 8, b"\1\0"),
    "another name inside": lambda data: data.replace(b"fits/0", b"fits/1", 1),
    "several disks": lambda data: _patched(data, END, 4, b"\1\0\1\0"),
    "nothing": lambda data: b"",
    "an end alone": lambda data: data[-22:],
    "a cut": lambda data: data[:-30],
    "no zip": lambda data: b"PK" * 100,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_archives_that_hide_something(tmp_path, kind):
    """What is not exactly members one after the other is refused, in one line."""
    plain = written(
        tmp_path / "plain.zip",
        (zipfile.ZipInfo(FIT, DATE), b"one"),
        (zipfile.ZipInfo(FIT.replace("000.", "001."), DATE), b"three"),
    )
    assert [one.size for one in read_zip(plain, "plain.zip").values()] == [3, 5]
    path = tmp_path / "hostile.zip"
    path.write_bytes(HOSTILE[kind](plain.read_bytes()))
    with pytest.raises(DataError) as error:
        read_zip(path, "hostile.zip")
    assert "hostile.zip" in error.value.message and len(error.value.message) < 300


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "run.sh", "fits/x.safetensors", "predictions/" + "0" * 20,
             "a" * 60_000, "fits/" + "0" * 20 + ".pkl"],
)  # fmt: skip
def test_members_of_other_names(tmp_path, name):
    """A member that no board has is refused, wherever it would lead."""
    path = written(tmp_path / "a.zip", (zipfile.ZipInfo(name, DATE), b"x"))
    with pytest.raises(DataError):
        read_zip(path, "a.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(tmp_path):
    """A name that comes twice is refused, however the two differ."""
    info = zipfile.ZipInfo(FIT, DATE)
    path = written(tmp_path / "a.zip", (info, b"one"), (zipfile.ZipInfo(FIT, DATE), b"two"))
    with pytest.raises(DataError, match="twice"):
        read_zip(path, "a.zip")


def test_deflated_members(tmp_path):
    """A member that is smaller than what comes out of it is refused before it does."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FIT, bytes(10**7))
    assert path.stat().st_size < 10**5
    with pytest.raises(DataError, match="compressed"):
        read_zip(path, "a.zip")


def test_links(board, tmp_path):
    """A link in the place of an archive is refused."""
    path = archive_of(board)
    shutil.move(path, tmp_path / "elsewhere.zip")
    path.symlink_to(tmp_path / "elsewhere.zip")
    refused(board.folder, "link")


def _manifest(folder: Path, **changes) -> None:
    values = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(values | changes))


def test_members_are_what_the_manifest_says(board):
    """One more, one less or another digest is refused though the archive's own digest is right."""
    held = read_manifest(board.folder).model_dump(mode="json")["members"]["morphology.zip"]
    name = min(held)
    for changed in (
        {n: one for n, one in held.items() if n != name},
        held | {FIT: {"sha256": "0" * 64, "size": 1}},
        held | {name: held[name] | {"sha256": "0" * 64}},
        held | {name: held[name] | {"size": held[name]["size"] + 1}},
    ):
        _manifest(board.folder, members={"morphology.zip": changed})
        refused(board.folder, "manifest.json")
    _manifest(board.folder, members={})
    refused(board.folder, "does not say what each archive holds")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda ids, arrays: (ids, {n: v * np.nan for n, v in arrays.items()}), "not finite"),
        (lambda ids, arrays: (ids[:-1], arrays), "24 rows for 23 scenes"),
        (lambda ids, arrays: (ids[:-1] + ids[:1], arrays), "more than once"),
        (lambda ids, arrays: (ids[:-1], {n: v[:-1] for n, v in arrays.items()}), "of 23 scenes"),
    ],
    ids=["NaN", "a scene less", "a scene twice", "fewer scenes"],
)  # fmt: skip
def test_predictions_that_cannot_be(board, change, word):
    """Tables of predictions are held to what files of predictions were."""
    change_predictions(board.folder, lambda one: change(*one), most=1)
    refused(board.folder, word)


def test_predictions_that_were_changed(board):
    """Other numbers are refused where the digest of their cell is the old one."""
    manifest = read_manifest(board.folder)
    change_predictions(
        board.folder, lambda one: (one[0], {n: v / 2 for n, v in one[1].items()}), most=1
    )
    changed = read_manifest(board.folder)
    assert len(set(changed.predictions.values()) - set(manifest.predictions.values())) == 1
    assert open_board(board.folder).evidence != board.evidence
    kept = {"predictions": manifest.predictions}
    write_manifest(board.folder, changed.model_copy(update=kept))
    refused(board.folder, "are not what manifest.json says")


def test_members_that_belong_to_nobody(board, make_contents, tmp_path):
    """Predictions and fits of cells that the records do not have are refused."""
    other = write_board(make_contents("ring"), tmp_path / "other")
    mine, theirs = members_of(board.folder), members_of(other.folder)
    for kind in ("fits/", "predictions/"):
        new = {name: data for name, data in theirs.items() if name.startswith(kind)}
        with zipfile.ZipFile(archive_of(board), "w") as archive:
            for name, data in {**mine, **new}.items():
                archive.writestr(zipfile.ZipInfo(name, DATE), data)
        reseal(board.folder)
        refused(board.folder, "no record")


def test_a_list_of_scenes_that_is_not_there(board):
    """Predictions that name scenes which no list has are refused."""
    change_members(board.folder, "scenes/", lambda _: None)
    refused(board.folder, "the board has no scenes/")


@pytest.mark.parametrize("mirror", ["http://x.org", "file:///etc", "javascript:x", "ftp://x"])
def test_mirrors(board, mirror):
    """A mirror is an https:// or hf:// address; nothing is fetched from it."""
    _manifest(board.folder, mirrors=["https://example.org/board"])
    assert open_board(board.folder).manifest.mirrors == ("https://example.org/board",)
    _manifest(board.folder, mirrors=[mirror])
    refused(board.folder, "mirror")


def old_board(contents, folder: Path) -> dict[str, str]:
    """Writes a board of format 2, a file for each artefact; gives what its findings rested on."""
    from lensbench.leaderboard.board.conversion import _evidence
    from lensbench.leaderboard.board.manifest import file_of

    board = write_board(contents, folder)
    for path in folder.glob("*.zip"):
        path.unlink()
    for name, path in contents.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / name)
    files = {
        path.relative_to(folder).as_posix(): file_of(path)
        for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"
    }  # fmt: skip
    evidence = _evidence(board.records, board.provenance, files)
    found = {cell: Finding(passed=True, evidence=one) for cell, one in evidence.items()}
    check = Check(tier="re-scored", date="2026-01-01T00:00:00Z", lensbench="0.1.0", cells=found)
    values = {
        "format": 2, "lensbench": "0.1.0", "licence": "CC-BY-4.0", "withdrawn": "a label changed",
        "files": {name: one.model_dump() for name, one in files.items()},
        "checks": [check.model_dump(mode="json")],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(values))
    return evidence


def test_boards_of_the_format_before_are_converted(make_contents, tmp_path, lensbench):
    """Records, predictions, fits and what was verified stay; the small files go."""
    contents = make_contents("spectrum-logreg", "hog-svm")
    old_board(contents, tmp_path / "old")
    (tmp_path / "old" / ".git").mkdir()
    refused(tmp_path / "old", "manifest.json has format 2")
    done = lensbench("leaderboard", "convert", tmp_path / "old")
    assert done.code == 0, done.err
    assert "11 files became 8" in done.out
    board, new = open_board(tmp_path / "old"), write_board(contents, tmp_path / "new")
    assert board.records.equals(new.records)
    assert board.evidence == new.evidence
    assert set(board.tiers.values()) == {"re-scored"}
    assert str(board.manifest.withdrawn) == "a label changed"
    assert {path.name for path in board.folder.iterdir() if path.is_dir()} == {".git"}
    again = lensbench("leaderboard", "convert", tmp_path / "old")
    assert again.code == 2 and "no board of format 1 or 2" in again.err


@pytest.mark.parametrize("kind", ["fits", "predictions"])
def test_an_old_board_that_was_changed_is_not_converted(make_contents, tmp_path, kind):
    """A file that is not what the old manifest says stops it, and all stays as it was."""
    from lensbench.leaderboard.board.conversion import convert

    old_board(make_contents("hog-svm"), tmp_path / "old")
    path = min((tmp_path / "old" / kind).iterdir())
    path.write_bytes(path.read_bytes() + b"x")
    before = sorted(one.relative_to(tmp_path) for one in (tmp_path / "old").rglob("*"))
    with pytest.raises(DataError, match=f"{path.name} is not what manifest.json says"):
        convert(tmp_path / "old")
    assert sorted(one.relative_to(tmp_path) for one in (tmp_path / "old").rglob("*")) == before


def test_findings_on_other_files_are_not_carried_over(make_contents, tmp_path):
    """What was verified of something else counts for nothing after the conversion as before."""
    from lensbench.leaderboard.board.conversion import convert

    evidence = old_board(make_contents("hog-svm", "ring"), tmp_path / "old")
    manifest = json.loads((tmp_path / "old" / "manifest.json").read_text())
    first = min(evidence)
    manifest["checks"][0]["cells"][first]["evidence"] = "0" * 64
    (tmp_path / "old" / "manifest.json").write_text(json.dumps(manifest))
    board = convert(tmp_path / "old")
    assert board.tiers == {cell: "reported" if cell == first else "re-scored" for cell in evidence}


def test_numbers_of_other_kinds_stay_files(make_contents, tmp_path):
    """Predictions that are no numbers in single precision are carried as they are, bit for bit."""
    contents = make_contents("hog-svm")
    (name,) = (name for name in contents.files if name.startswith("predictions/"))
    frame = pl.read_parquet(contents.files[name]).select("scene")
    frame = frame.with_columns(score=pl.Series(np.linspace(0, 1, 24)))
    frame.write_parquet(contents.files[name])
    board = write_board(contents, tmp_path / "board")
    assert name in board.manifest.files
    ids, arrays = board.predictions(Path(name).stem)
    assert arrays["score"].dtype == np.float64 and len(ids) == 24


def test_a_mean_near_zero_of_rounded_scores_agrees_with_its_record(tmp_path):
    """Rounding shifts it by more than a hundred-thousandth of itself; another mean is refused."""
    values = np.random.default_rng(0).normal(2.0, 1.0, 300).astype(np.float32)
    values -= np.float32(values.mean(dtype=np.float64) - 1e-4)
    values[:100] += 30  # far from zero
    values[100:200] -= 30
    cell = {"cell": "c", "test_dataset": "d", "test_condition": "e", "metric": "nll"}
    row = {**cell, "per_scene": True, "scenes": "s", "n": 300, "values": values}
    mean = float(values.mean(dtype=np.float64))
    kept = rounded(values)
    scores_frame([{**row, "values": kept}]).write_parquet(tmp_path / "s.parquet")
    assert abs(kept.mean(dtype=np.float64) - mean) > 1e-5 * mean
    for stated, agrees in ((mean, True), (mean + 1e-3, False)):
        record = {tuple(cell.values()): PublishedScore(stated, None, None, 300)}
        with nullcontext() if agrees else pytest.raises(DataError, match="by scene, the record"):
            check_scores(tmp_path / "s.parquet", "s.parquet", record, 100)
