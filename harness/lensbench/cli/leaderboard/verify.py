"""`lensbench leaderboard verify`."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.options import json_option
from lensbench.errors import DataError

if TYPE_CHECKING:
    from lensbench.leaderboard.board.contents import Board
    from lensbench.verification.tiers import VerificationResult


@click.command("verify")
@click.argument("board", type=click.Path(path_type=Path))
@click.option(
    "--no-rescore",
    is_flag=True,
    help="Check files and claims only; do not score predictions again.",
)
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="K",
    help="Score K cells again, drawn at random, and print how many wrong cells that would find.  "
    "[default: all cells]",
)
@click.option(
    "--rerun",
    type=click.IntRange(0),
    default=0,
    metavar="K",
    help="Train and test K cells again, drawn at random.",
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Random seed by which cells are drawn.  [default: from the system's entropy]",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=0.5,
    show_default=True,
    help="Largest difference of a repeated score, in half widths of its interval.",
)
@click.option(
    "--fresh", is_flag=True, help="Test the published weights on scenes that are drawn now."
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability that --fresh reports a drop of any honest score.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    metavar="N",
    help="Number of processes that score. Findings do not depend on it.  [default: cores]",
)
@click.option(
    "--no-write", is_flag=True, help="Do not write the findings into the board's manifest."
)
@json_option
def command(  # noqa: PLR0913  # an option each
    board: Path,
    no_rescore: bool,
    sample: int | None,
    rerun: int,
    seed: int | None,
    tolerance: float,
    fresh: bool,
    level: float,
    processes: int | None,
    no_write: bool,
    as_json: bool,
) -> None:
    """Verify a board, a folder or a tar file. The exit code is 1 if a check fails.

    There are four tiers, each stricter than the one before:

    \b
      reported   all files have their digests, and no claim contradicts another
      re-scored  the scores follow from the published predictions
      re-run     cells drawn at random give the same scores when they are computed again
      fresh      the published weights score as well on scenes that are drawn now

    The first two are the default. Findings are written into the manifest of a folder, with date,
    version and seed.

    \b
    Examples:
      lensbench leaderboard verify board
      lensbench leaderboard verify board --sample 40
      lensbench leaderboard verify board --rerun 3 --fresh
    """
    from lensbench.leaderboard.board.archive import board_folder

    with board_folder(board) as folder:
        opened = _opened(folder, as_json)
        withdrawn = opened.manifest.withdrawn
        if withdrawn:
            click.echo(
                f"withdrawn: {withdrawn}; only files, documents and claims are checked, since the "
                "scenes were drawn by another version of the code",
                err=True,
            )
            no_rescore, rerun, fresh = True, 0, False
        result = _verified(
            opened,
            rescore=not no_rescore,
            sample=sample,
            rerun=rerun,
            tolerance=tolerance,
            fresh=fresh,
            level=level,
            processes=processes or len(os.sched_getaffinity(0)),
            seed=seed if seed is not None else int.from_bytes(os.urandom(4), "big"),
        )
        if not no_write and board.is_dir():
            from lensbench.verification.tiers import write_checks

            write_checks(opened, result.checks)
        _print(opened, result, as_json)
    sys.exit(0 if result.passed else 1)


def _opened(folder: Path, as_json: bool) -> Board:
    """The board; prints the reason and exits if it cannot be opened."""
    from lensbench.leaderboard.board.contents import open_board

    try:
        return open_board(folder)
    except DataError as error:
        if as_json:
            click.echo(json.dumps({"passed": False, "tier": "reported", "error": error.message}))
        else:
            click.echo("reported   failed")
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        sys.exit(1)


def _verified(board: Board, **wanted: Any) -> VerificationResult:
    from lensbench.cli.progress import Progress
    from lensbench.verification.tiers import VerificationRequest, verify

    with Progress() as progress:
        return verify(board, VerificationRequest(**wanted), progress)


def _print(board: Board, result: VerificationResult, as_json: bool) -> None:
    labels = dict(board.records.select("cell", "entrant").unique().rows())
    rescored = any(check.tier == "re-scored" for check in result.checks)
    unscored = sorted(board.without_predictions) if rescored else []
    power = _power(board, result)
    if as_json:
        checks = [check.model_dump(mode="json") for check in result.checks]
        click.echo(
            json.dumps(
                {
                    "passed": result.passed,
                    "checks": checks,
                    "unscored": unscored,
                    **({"power": power} if power else {}),
                    "untried": dict(result.untried),
                    "absent": [f"{cell.entrant.label}, {cell.task}" for cell in result.absent],
                    "shared": [[*pair, count] for pair, count in result.shared.items()],
                }
            )
        )
        return
    from tabulate import tabulate

    rows = []
    for check in result.checks:
        failed = sum(not finding.passed for finding in check.cells.values())
        rows.append(
            [
                check.tier,
                f"{len(check.cells)} of {len(board.evidence)}",
                failed,
                "" if check.seed is None else check.seed,
            ]
        )
    click.echo(tabulate(rows, ["tier", "cells checked", "failed", "seed"]))
    for check in result.checks[1:]:
        for key, finding in check.cells.items():
            if check.tier != "re-scored" or not finding.passed:
                word = "passed" if finding.passed else "FAILED"
                click.echo(f"{word} {check.tier}: {labels[key]}: {finding.note}")
    missing = Counter((cell.entrant.label, cell.task) for cell in result.absent)
    for (label, task), count in sorted(missing.items()):
        cells = "a cell" if count == 1 else f"{count} cells"
        click.echo(f"FAILED: the board lacks {cells} that its study asks for: {label}, {task}")
    for (one, other), count in sorted(result.shared.items()):
        tests = "a test" if count == 1 else f"{count} tests"
        click.echo(f"the same predictions, to the last bit, on {tests}: {one}; {other}")
    if result.uncounted:
        click.echo(f"not checked: whether cells of the study are absent: {result.uncounted}")
    if power:
        click.echo(
            f"scored {power['cells']} of {power['of']} cells: if {power['wrong']} or more were "
            "wrong, this finds one with a probability of 95 %"
        )
    reasons = [(labels[key], why) for key, why in result.untried.items()]
    reasons += [
        (labels[key], "not scored again: its predictions are elsewhere") for key in unscored
    ]
    for (label, why), count in sorted(Counter(reasons).items()):
        click.echo(f"not checked: {label} ({count}): {why}")


def _power(board: Board, result: VerificationResult) -> dict[str, int]:
    """What a sample of cells that were scored again can find; nothing where all were."""
    from lensbench.verification.tiers import caught

    total = len(board.evidence) - len(board.without_predictions)
    for check in result.checks:
        if check.tier == "re-scored" and 0 < len(check.cells) < total:
            sample = len(check.cells)
            return {"cells": sample, "of": total, "wrong": caught(total, sample)}
    return {}
