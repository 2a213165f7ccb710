"""`lensbench status`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.display import duration
from lensbench.cli.options import json_option, store_option, store_root

if TYPE_CHECKING:
    from lensbench.store.journal import Journal


@click.command("status")
@click.argument("sweep", default="")
@click.option("--watch", is_flag=True, help="Repeat every few seconds until the sweep ends.")
@store_option
@json_option
def command(sweep: str, watch: bool, store: str | None, as_json: bool) -> None:
    """Show the progress of SWEEP, which may run on another machine. The default is the latest.

    \b
    Examples:
      lensbench status
      lensbench status --watch
    """
    from lensbench.store import open_store
    from lensbench.store.journal import find_journal

    opened = open_store(store_root(store))
    journal = find_journal(opened, sweep)
    logs = f"{opened.address}/sweeps/{journal.folder.name}/logs"
    while True:
        state = journal.state()
        failed = {line["key"]: line for line in journal.lines()}
        failures = [line for line in failed.values() if line["state"] == "failed"]
        if as_json:
            click.echo(json.dumps({"sweep": journal.folder.name, **state, "failures": failures}))
        else:
            _show(journal, state, failures, logs)
        if not watch or state.get("state") != "running":
            return
        time.sleep(5)


def _show(
    journal: Journal, state: Mapping[str, Any], failures: list[dict[str, Any]], logs: str
) -> None:
    key = journal.folder.name
    if not state:
        click.echo(f"sweep {key}: it has not reported yet")
        return
    how = state["state"]
    if how == "running" and (silent := journal.silence()):
        how = f"no sign of life for {duration(silent)}; the same command goes on"
    click.echo(
        f"sweep {key}: {how}; {state['done']} done, {state['failed']} failed, "
        f"{len(state['running'])} running, {state['waiting']} waiting"
    )
    for job in state["running"]:
        stage = f"{job.get('stage', '')} {job.get('done', '')}/{job.get('total', '')}".strip(" /")
        click.echo(f"  {job['label']}: {stage} {job.get('note', '')}".rstrip(": "))
    for line in failures:
        click.echo(f"  failed: {line['label']}: {line['error']} (log: {logs}/{line['key']}.log)")
