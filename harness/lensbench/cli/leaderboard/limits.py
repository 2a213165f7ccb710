"""`lensbench leaderboard limits`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.options import store_option, store_root


@click.command("limits")
@click.argument("board", type=click.Path(path_type=Path, file_okay=False))
@store_option
def command(board: Path, store: str | None) -> None:
    """Give a board the limits of information that `lensbench limits` computed in a store.

    They take the place of the board's own limits of the same task, dataset, metric and condition;
    other limits of the board stay. Nothing else changes: no fit is computed again, and checks that
    were passed stay valid.

    \b
    Examples:
      lensbench limits --task morphology --conditions euclid-vis,hst-acs
      lensbench leaderboard limits board
    """
    import polars as pl

    from lensbench.cli.leaderboard.evidence import reading_store
    from lensbench.cli.table_limits import limit_finder
    from lensbench.errors import UsageError
    from lensbench.leaderboard.board.contents import open_board
    from lensbench.leaderboard.board.joining import with_limits
    from lensbench.leaderboard.board.limits import limits_frame, of_records, read_limits
    from lensbench.registry import load_catalogue

    opened = open_board(board)
    done = opened.records.filter(pl.col("state") == "done")
    finder = limit_finder(reading_store(store_root(store)), load_catalogue(), done)
    found = of_records(limits_frame(done, finder), done)
    if found.is_empty():
        task, dataset = done.select("task", "test_dataset").row(0)
        raise UsageError(
            "the store has no limits of this board that the installed version computed",
            f"lensbench limits --task {task.split(':')[0]} --dataset {dataset} "
            f"--conditions {','.join(sorted(set(done['test_condition'])))} "
            f"--seed {min(done['seed_draw'])}",
        )
    before = read_limits(board)
    after = read_limits(with_limits(opened, found).folder)
    changed = len(after.join(before, on=after.columns, how="anti", nulls_equal=True))
    click.echo(f"{board}: limits new or changed: {changed}; as before: {len(after) - changed}")
