"""`lensbench plan`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.display import duration
from lensbench.cli.execution import Execution, default_workers, execution_options, make_resolver
from lensbench.cli.options import json_option, store_option, store_root
from lensbench.cli.studies import expand_study, read_study, study_options

if TYPE_CHECKING:
    from lensbench.study.expand import Expansion
    from lensbench.study.summary import Summary


@click.command("plan")
@study_options
@execution_options
@store_option
@json_option
def command(
    study: Path,
    overrides: tuple[str, ...],
    execution: Execution,
    store: str | None,
    as_json: bool,
) -> None:
    """Show what a study would compute, what is stored already, and how long it would take.

    \b
    Examples:
      lensbench plan studies/smoke.toml
      lensbench plan studies/smoke.toml --set axes.labels='[100, "all"]' --json
    """
    from lensbench.execution.sweeps import Sweep
    from lensbench.store import open_store
    from lensbench.store.journal import mean_costs
    from lensbench.study.summary import estimate_time, summarise

    spec, _ = read_study(study, overrides)
    resolver = make_resolver(
        execution.threads or spec.run.threads,
        execution.device or spec.run.device,
        spec.run.processes,
    )
    expanded = expand_study(resolver, spec)
    opened = open_store(store_root(store))
    sweep = Sweep(resolver, opened, expanded.cells)
    plan = sweep.plan()
    keys = {cell.records for cell in sweep.cells}
    stored = keys & opened.stored("records") & opened.stored("scores")
    at_work = execution.workers if execution.workers is not None else spec.run.workers
    if at_work is None:
        at_work = default_workers(resolver.numerics)
    summary = summarise(
        plan.jobs,
        plan.shared,
        estimate_time(plan.jobs, mean_costs(opened), at_work),
        cells=len(keys),
        stored=len(stored),
        failed=len(keys & opened.stored("failures")),
    )
    if as_json:
        click.echo(json.dumps(_facts(spec.name, summary, expanded), indent=1))
        return
    for line in _lines(spec.name, summary, expanded, at_work):
        click.echo(line)


def _facts(name: str, summary: Summary, expanded: Expansion) -> dict[str, Any]:
    incompatible = [
        {
            "entrant": one.cell.entrant.label,
            "task": one.cell.task,
            "dataset": one.cell.train.dataset,
            "reason": one.reason,
            "cells": one.count,
        }
        for one in expanded.incompatible
    ]
    return {"study": name, **asdict(summary), "incompatible": incompatible}


def _lines(name: str, summary: Summary, expanded: Expansion, workers: int) -> list[str]:
    lines = [
        f"study {name}: {summary.cells} cells; {summary.stored} stored, "
        f"{summary.failed} failed before, {summary.jobs.get('cells', 0)} to compute"
    ]
    for kind, count in summary.jobs.items():
        use = f", each for {summary.sharing[kind]:.3g} cells" if kind in summary.sharing else ""
        lines.append(f"  {kind}: {count} to make{use}")
    if summary.jobs:
        estimate = summary.estimate
        unknown = "not known, as this store has measured no such work yet"
        known = f"about {duration(estimate.seconds)}" if estimate.work else unknown
        lines.append(f"time with {workers} workers: {known}")
        for like, count in list(estimate.unknown.items())[:5]:
            lines.append(f"  not measured yet: {like.replace(' | ', ', ')} ({count})")
        if len(estimate.unknown) > 5:
            lines.append(f"  … and {len(estimate.unknown) - 5} more")
    for one in expanded.incompatible:
        what = f"{one.cell.entrant.label} on {one.cell.task}, {one.cell.train.dataset}"
        lines.append(f"incompatible ({one.count}): {what}: {one.reason}")
    return lines
