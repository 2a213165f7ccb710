"""`leaderboard build` and `leaderboard serve`, as a user calls them."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request

from tests.board_records import study_records


def test_a_file_of_records_becomes_a_page(lensbench, tmp_path):
    """One file is written, and what it holds is told."""
    study_records().write_parquet(tmp_path / "records.parquet")
    out = tmp_path / "new" / "page.html"
    result = lensbench("leaderboard", "build", tmp_path / "records.parquet", "--out", out)
    assert result.code == 0 and "92 records" in result.out
    assert out.read_text().startswith("<!doctype html>")


def test_mistakes_are_one_line(lensbench, tmp_path):
    """No store, no such file, garbage, another table, no record: each is said in one line."""
    garbage, other, empty = (tmp_path / f"{name}.parquet" for name in ("garbage", "other", "empty"))
    garbage.write_bytes(b"PAR1 not really PAR1")
    study_records().select("entrant").write_parquet(other)
    study_records().clear().write_parquet(empty)
    for where, word in (
        ("", "no store"), (garbage, "Parquet"), (other, "no column"), (empty, "no record"),
        (tmp_path / "absent.parquet", "no file"), (tmp_path, "no board"),
    ):  # fmt: skip
        result = lensbench("leaderboard", "build", where, "--store", tmp_path / "none")
        assert result.code == 2, where
        assert (
            word in result.err and result.err.count("error:") == 1 and "Traceback" not in result.err
        )
    assert not (tmp_path / "none").exists()


def test_serving_says_where_and_ends(tmp_path):
    """The address is printed when it answers; opened to others, it says so."""
    study_records().write_parquet(tmp_path / "records.parquet")
    words = ["leaderboard", "serve", str(tmp_path / "records.parquet"), "--port", "0"]
    code = "from lensbench.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, *words, "--host", "0.0.0.0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = re.match(r"(http://127\.0\.0\.1:\d+/)", process.stdout.readline())[1]
        with urllib.request.urlopen(url, timeout=600) as answer:
            assert answer.read().startswith(b"<!doctype html>")
    finally:
        process.terminate()
        _, err = process.communicate(timeout=600)
    assert "warning: everyone who can reach 0.0.0.0 can read this page" in err
