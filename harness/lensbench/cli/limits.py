"""`lensbench limits`."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from lensbench.cli.completion import CONDITIONS, DATASET
from lensbench.cli.options import (
    json_option,
    number_option,
    plugin_option,
    seed_option,
    split_references,
    store_option,
    store_root,
)

if TYPE_CHECKING:
    from lensbench.cli.progress import Progress
    from lensbench.limits.bounds import SceneSample
    from lensbench.study.cell import View


@click.command("limits")
@plugin_option(
    "--dataset",
    DATASET,
    "Dataset of simulated lenses.",
    default="lenses:population=pedagogical",
)
@plugin_option(
    "--conditions", CONDITIONS, "Conditions to compute limits under.", default="euclid-vis"
)
@click.option(
    "--task",
    default="regression",
    show_default=True,
    metavar="TASK",
    help="Task whose limit is computed: regression, anomaly or morphology.",
)
@click.option(
    "--targets",
    default="",
    metavar="NAME,NAME,…",
    help="Targets to compute limits of.  [default: all that have one]",
)
@number_option(
    "--scenes",
    "Number of test scenes to average over. Tables show limits of the default number only.",
    least=2,
    default=24,
)
@click.option(
    "--only",
    default="",
    metavar="CLASS",
    help="Class of these scenes; with `all`, all lenses, whose substructure counts as known.  "
    "[default: no_sub, or lens]",
)
@seed_option
@store_option
@json_option
def command(  # noqa: PLR0913  # an option each
    dataset: str,
    conditions: str,
    task: str,
    targets: str,
    scenes: int,
    only: str,
    seed: int,
    store: str | None,
    as_json: bool,
) -> None:
    """Compute how well any method can do, from the simulator's derivatives.

    Each target of `regression` gets two numbers. The van Trees bound is an error that no method
    can beat. The local reference, √E[∇gᵀ(I + Π)⁻¹∇g], is the error of the best linear estimate near
    the truth, which some methods can beat. Computing takes about a second for each scene and
    condition, and longer for the lenses of `survey` and `look-alikes`. These have a local reference
    alone.

    The limit of `anomaly` and `morphology` is an upper bound on the AUROC: that of an observer who
    fits the smooth lens and knows all of the substructure but its angle. Beside it is the score of
    a matched filter that knows less. It takes a second or two for each scene and condition, and
    about ten seconds for the lenses of `survey` and `cdm-realistic`. `--targets` and `--only` do
    not apply to it.

    The store keeps limits, and tables of `run`, `sweep` and `leaderboard show` have them in rows
    below the entrants.

    \b
    Examples:
      lensbench limits --conditions euclid-vis,hst-acs --targets theta_E
      lensbench limits --task morphology --conditions euclid-vis,hsc-i
    """
    from lensbench.limits.bounds import ALL, Limit, SceneSample, measured_targets
    from lensbench.study.cell import View

    if task != "regression":
        ctx = click.get_current_context()
        for name in ("targets", "only"):
            if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
                raise click.UsageError(f"--{name} is for --task regression, not for {task}")
        views = [View(dataset, condition) for condition in split_references(conditions)]
        _show_classes(task, views, SceneSample(scenes, seed), store, as_json)
        return
    from lensbench.cli.progress import Progress
    from lensbench.errors import UsageError, nearest
    from lensbench.limits.stored import drawing, ensure_limits
    from lensbench.registry import load_catalogue
    from lensbench.sky.population import Population
    from lensbench.store import open_store

    opened, catalogue = open_store(store_root(store)), load_catalogue()
    population = drawing(catalogue, dataset).population
    sample, measured = SceneSample(scenes, seed, only), measured_targets(population)
    scene_class = sample.lens_class(population)
    wanted = tuple(filter(None, targets.split(","))) or measured
    for name in wanted:
        if name not in measured:
            raise UsageError(f"target {name!r} has no limit", nearest(name, measured))
    found: list[tuple[str, Limit]] = []
    for condition in split_references(conditions):
        view = View(dataset, condition)
        with Progress() as progress:
            watch = functools.partial(_watched, progress, condition, scenes)
            computed = ensure_limits(opened, catalogue, view, sample, watch)
        found += [(condition, limit) for limit in computed if limit.target in wanted]
    if as_json:
        click.echo(json.dumps([{"condition": name, **asdict(limit)} for name, limit in found]))
        return
    from lensbench.leaderboard.forms import text_table

    rows = [
        [
            name,
            limit.target,
            f"{limit.reference:.2g} ± {limit.error:.1g}",
            f"{limit.reference_68:.2g}",
            "–" if math.isnan(limit.bound) else f"{limit.bound:.2g}",
            limit.unit,
            str(limit.scenes),
        ]
        for name, limit in found
    ]
    header = ["condition", "target", "local reference", "68 %", "van Trees bound", "unit", "scenes"]
    shown = "all classes, substructure known" if scene_class == ALL else f"{scene_class} alone"
    title = f"Errors on {dataset}, {shown}"
    note = (
        "Root mean squares, and what 68.3 % of the absolute errors are below. With a prior that is "
        "not normal some methods can beat the reference. "
    )
    if isinstance(population, Population):
        note += "None can beat the van Trees bound."
    else:
        note += "No van Trees bound: parameters are not independent in this population."
    click.echo(text_table(header, rows, "terminal", title, note))


def _watched(progress: Progress, condition: str, count: int, done: int) -> None:
    progress(f"limits under {condition}", done, count, "")


def _show_classes(
    task: str, views: Sequence[View], sample: SceneSample, store: str | None, as_json: bool
) -> None:
    """Prints the d′ of each pair of classes and the bound on the task's AUROC."""
    import numpy as np

    from lensbench.cli.progress import Progress
    from lensbench.leaderboard.forms import text_table
    from lensbench.limits.classes import known_signal_auroc, task_limits
    from lensbench.limits.stored import ensure_class_limits, known_signal_error
    from lensbench.registry import load_catalogue
    from lensbench.store import open_store

    opened, catalogue = open_store(store_root(store)), load_catalogue()
    rows: list[list[str]] = []
    printed = []
    for view in views:
        condition = view.condition

        with Progress() as progress:
            watch = functools.partial(_watched, progress, condition, 2 * sample.count)
            found = ensure_class_limits(opened, catalogue, task, view, sample, watch)
        bounds = task_limits(task, list(found))
        pairs = [asdict(limit) for limit in found]
        printed.append({"condition": condition, "bounds": bounds, "pairs": pairs})
        for limit in found:
            low, median, high = np.quantile(limit.detectability, [0.16, 0.5, 0.84])
            pair, spread = f"{limit.first}, {limit.second}", f"{low:.2g} to {high:.2g}"
            known = known_signal_auroc(np.array(limit.detectability))
            known_text = f"{known:.3f} ± {known_signal_error(limit.detectability):.3f}"
            less = (limit.turned, limit.one_mass)
            shown = ["–" if math.isnan(one) else f"{one:.3f}" for one in less]
            rows.append([condition, pair, f"{median:.2g}", spread, known_text, *shown, ""])
        rows[-1][-1] = f"{bounds['auroc']:.3f}"
    if as_json:
        click.echo(json.dumps(printed))
        return
    header = ["condition", "classes", "median d′", "68 % of d′", "known", "angle unknown"]
    header += ["one mass", f"bound of {task}"]
    title = f"AUROC on {views[0].dataset}, over {sample.count} scenes"
    note = (
        "Of observers who fit the smooth lens. No method can beat one who knows each scene's "
        "substructure, or all but its angle. `one mass` is no bound: a matched filter that looks "
        "for the largest subhalo, of known mass, at many places. Errors are those of a sample of "
        "scenes."
    )
    click.echo(text_table(header, rows, "terminal", title, note))
