"""What a board should have or should not: the cells of its study, and predictions of one alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from lensbench.cells.checks import Checks
from lensbench.cells.resolved import Resolver
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.layout import STUDY
from lensbench.leaderboard.board.reading import read_text
from lensbench.leaderboard.board.tables import prediction_digest
from lensbench.registry import load_catalogue
from lensbench.study.cell import Cell
from lensbench.study.describe import Numerics
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study
from lensbench.verification.published import cells_of


def absent_cells(board: Board) -> tuple[Cell, ...]:
    """Cells that the study asks for, that can be computed, and of which the board has no record.

    A board without its worst entrant, condition or number of labels would look better than it is.

    Raises:
        LensbenchError: Where the study names what is not installed here.
    """
    study = parse_study(read_text(board.folder / STUDY, STUDY))
    resolver = Resolver(load_catalogue(), Numerics())
    asked = expand(resolver.catalogue, study, Checks(resolver.plugins).check).cells
    known = set(cells_of(board.records).values())
    return tuple(cell for cell in asked if cell not in known)


def shared_predictions(board: Board) -> Mapping[tuple[str, str], int]:
    """Pairs of entrants with the same predictions to the last bit, and on how many tests."""
    entrants = dict(board.records.select("predictions", "entrant").drop_nulls().unique().rows())
    first: dict[str, str] = {}
    found: Counter[tuple[str, str]] = Counter()
    for key, prediction in board.shelf.predictions():
        other = first.setdefault(prediction_digest(prediction), entrants[key])
        if other != entrants[key]:
            found[min(other, entrants[key]), max(other, entrants[key])] += 1
    return found
