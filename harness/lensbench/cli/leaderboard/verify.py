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
    from lensbench.verification.climb import VerificationResult


@click.command("verify")
@click.argument("board", type=click.Path(path_type=Path))
@click.option("--no-rescore", is_flag=True, help="Stop after files, digests and claims.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="K",
    help="Score K cells again, drawn by --seed, and say what that can find.  [default: all]",
)
@click.option(
    "--rerun",
    type=click.IntRange(0),
    default=0,
    metavar="K",
    help="Run K cells again, drawn by --seed.",
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="By which cells are drawn.  [default: from the system's entropy]",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=0.5,
    show_default=True,
    help="Of scores that were run again, in half widths of their intervals.",
)
@click.option("--fresh", is_flag=True, help="Try published weights on scenes that nobody has seen.")
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Chance that --fresh finds a drop by accident.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    metavar="N",
    help="That score; findings do not depend on it.  [default: cores]",
)
@click.option("--no-write", is_flag=True, help="Leave the board's manifest as it is.")
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
    """Check a board, a folder or a tar, tier by tier; exit 1 where one fails.

    reported: files, digests and claims agree. re-scored: the scores follow from the predictions.
    re-run: cells drawn at random were computed again. fresh: published weights, fresh scenes.
    What was found is written into the folder's manifest, with date, version and seed.

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
                f"withdrawn: {withdrawn}; the scenes were drawn by code of another version, so "
                "files, documents and claims alone are checked",
                err=True,
            )
            no_rescore, rerun, fresh = True, 0, False
        climbed = _climbed(
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
            from lensbench.verification.climb import write_checks

            write_checks(opened, climbed.checks)
        _print(opened, climbed, as_json)
    sys.exit(0 if climbed.passed else 1)


def _opened(folder: Path, as_json: bool) -> Board:
    """The board, or the end of the program with why it is none."""
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


def _climbed(board: Board, **wanted: Any) -> VerificationResult:
    from lensbench.cli.progress import Progress
    from lensbench.verification.climb import VerificationRequest, climb

    with Progress() as progress:
        return climb(board, VerificationRequest(**wanted), progress)


def _print(board: Board, climbed: VerificationResult, as_json: bool) -> None:
    labels = dict(board.records.select("cell", "entrant").unique().rows())
    rescored = any(check.tier == "re-scored" for check in climbed.checks)
    unscored = sorted(board.without_predictions) if rescored else []
    power = _power(board, climbed)
    if as_json:
        checks = [check.model_dump(mode="json") for check in climbed.checks]
        click.echo(
            json.dumps(
                {
                    "passed": climbed.passed,
                    "checks": checks,
                    "unscored": unscored,
                    **({"power": power} if power else {}),
                    "untried": dict(climbed.untried),
                }
            )
        )
        return
    from tabulate import tabulate

    rows = []
    for check in climbed.checks:
        failed = sum(not finding.passed for finding in check.cells.values())
        rows.append(
            [
                check.tier,
                f"{len(check.cells)} of {len(board.evidence)}",
                failed,
                "" if check.seed is None else check.seed,
            ]
        )
    click.echo(tabulate(rows, ["tier", "cells tried", "failed", "seed"]))
    for check in climbed.checks[1:]:
        for key, finding in check.cells.items():
            if check.tier != "re-scored" or not finding.passed:
                word = "passed" if finding.passed else "FAILED"
                click.echo(f"{word} {check.tier}: {labels[key]}: {finding.note}")
    if power:
        click.echo(
            f"scored {power['cells']} of {power['of']} cells: had {power['wrong']} or more been "
            "wrong, one would have been found with a probability of 95 %"
        )
    reasons = [(labels[key], why) for key, why in climbed.untried.items()]
    reasons += [
        (labels[key], "not scored again, for its predictions are elsewhere") for key in unscored
    ]
    for (label, why), count in sorted(Counter(reasons).items()):
        click.echo(f"not tried: {label} ({count}): {why}")


def _power(board: Board, climbed: VerificationResult) -> dict[str, int]:
    """What a sample of cells that were scored again can find; nothing where all were."""
    from lensbench.verification.climb import caught

    total = len(board.evidence) - len(board.without_predictions)
    for check in climbed.checks:
        if check.tier == "re-scored" and 0 < len(check.cells) < total:
            sample = len(check.cells)
            return {"cells": sample, "of": total, "wrong": caught(total, sample)}
    return {}
