"""Withdraws a board: its manifest and its README say that its results no longer count."""

from __future__ import annotations

from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.joining import contents_of
from lensbench.leaderboard.board.layout import READING, README
from lensbench.leaderboard.board.manifest import Manifest, Withdrawal, file_of, write_manifest
from lensbench.leaderboard.board.reading import read_text
from lensbench.leaderboard.board.readme import readme_text


def withdraw(board: Board, withdrawn: Withdrawal) -> Manifest:
    """Writes into a board why it no longer counts, in the place of an earlier reason.

    Args:
        board: The board; nothing of its results is touched.
        withdrawn: Why, and what takes its place.
    """
    manifest = board.manifest.model_copy(update={"withdrawn": withdrawn})
    contents = contents_of(board)
    reading = ""
    if READING in manifest.files:
        reading = read_text(board.folder / READING, READING)
    text = readme_text(contents.records, contents.study, contents.citations, manifest, reading)
    temporary = board.folder / f".{README}.new"
    temporary.write_text(text, encoding="utf-8")
    files = {**manifest.files, README: file_of(temporary)}
    temporary.replace(board.folder / README)
    manifest = manifest.model_copy(update={"files": files})
    write_manifest(board.folder, manifest)
    return manifest
