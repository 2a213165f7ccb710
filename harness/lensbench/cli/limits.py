"""`lensbench limits`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from lensbench.cli.completion import CONDITIONS, DATASET
from lensbench.cli.options import json_option, split_references, store_option, store_root


@click.command("limits")
@click.option(
    "--dataset", type=DATASET, default="lenses", show_default=True, metavar="NAME[:…]",
    help="Simulated lenses.",
)  # fmt: skip
@click.option(
    "--conditions", type=CONDITIONS, default="euclid-vis", show_default=True,
    metavar="NAME,NAME,…", help="Under which they are seen.",
)  # fmt: skip
@click.option(
    "--targets", default="", metavar="NAME,NAME,…", help="What is measured.  [default: all]"
)
@click.option(
    "--scenes", type=click.IntRange(2), default=24, show_default=True,
    help="Test scenes behind a limit; tables show that of the default.",
)  # fmt: skip
@click.option(
    "--only", default="no_sub", show_default=True, metavar="CLASS",
    help="A class of substructure, or `all`, where substructure is taken as known.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
@store_option
@json_option
def command(dataset: str, conditions: str, targets: str, scenes: int, only: str, seed: int,
            store: str | None, as_json: bool) -> None:  # fmt: skip
    """Compute how well numbers of a lens can be measured at all, from the simulator's derivatives.

    For each target there is a local reference, √E[∇gᵀ(I + Π)⁻¹∇g], which is no bound, and van
    Trees' bound, which no method can beat. Both are kept in the store; from then on tables of `run`
    on these scenes show them, and how close each entrant came to the reference. It takes about a
    second a scene and condition.

    \b
    Example:
      lensbench limits --conditions euclid-vis,hst-acs --targets theta_E
    """
    from lensbench.errors import UsageError, nearest
    from lensbench.limits.bounds import ALL, Limit, measured_targets
    from lensbench.limits.stored import ensure_limits
    from lensbench.registry import load_catalogue
    from lensbench.store import open_store

    wanted = tuple(filter(None, targets.split(","))) or measured_targets()
    for name in wanted:
        if name not in measured_targets():
            raise UsageError(f"target {name!r} has no limit", nearest(name, measured_targets()))
    opened, catalogue = open_store(store_root(store)), load_catalogue()
    found: list[tuple[str, Limit]] = []
    for condition in split_references(conditions):

        def watch(done: int, condition: str = condition) -> None:
            if done % 8 == 0:
                click.echo(f"{condition}: {done} scenes", err=True)

        its = ensure_limits(opened, catalogue, dataset, condition, seed, scenes, only, watch)
        found += [(condition, limit) for limit in its if limit.target in wanted]
    if as_json:
        click.echo(json.dumps([{"condition": name, **asdict(its)} for name, its in found]))
        return
    from lensbench.leaderboard.forms import text_table

    rows = [
        [name, its.target, f"{its.reference:.2g} ± {its.error:.1g}",
         "–" if its.bound != its.bound else f"{its.bound:.2g}", its.unit, str(its.scenes)]
        for name, its in found
    ]  # fmt: skip
    header = ["condition", "target", "local reference", "van Trees bound", "unit", "scenes"]
    scene_class = "all classes, substructure known" if only == ALL else f"{only} alone"
    title = f"Root mean squared errors on {dataset}, {scene_class}"
    note = (
        "No method can beat the van Trees bound; with a uniform prior some can beat the reference."
    )
    click.echo(text_table(header, rows, "terminal", title, note))
