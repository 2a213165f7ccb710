"""`lensbench leaderboard serve`."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from lensbench.cli.leaderboard.evidence import credited_by, evidence_of, reading_store
from lensbench.cli.options import store_option, store_root


@click.command("serve")
@click.argument("where", metavar="[RUN|BOARD|FILE]", default="")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on. With any but the default, other machines can read the page.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@store_option
def command(where: str, host: str, port: int, store: str | None) -> None:
    """Serve the web page of results to a browser, and update it while a sweep runs.

    The default is the sweep that is running in the store, or else the last run. The server only
    reads: nothing can be changed from the page.

    \b
    Examples:
      lensbench leaderboard serve
      lensbench leaderboard serve boards/lenses --port 9000
    """
    from lensbench.leaderboard.page.live import Live, LiveSource, follow_files, follow_store
    from lensbench.leaderboard.page.server import is_loopback, open_server

    gather = functools.partial(evidence_of, where, store)
    path = Path(where)
    if where:
        followed = follow_files(gather, path) if path.exists() else LiveSource(gather, lambda: "")
    else:
        followed = follow_store(reading_store(store_root(store)), gather)
    live = Live(followed, credited_by)
    live.news()  # an error appears here and not in the browser
    server = open_server(live, host, port)
    if not is_loopback(host):
        click.echo(
            f"warning: everyone who can reach {host} can read this page; there is no password",
            err=True,
        )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    shown = f"[{shown}]" if ":" in shown else shown
    click.echo(f"http://{shown}:{server.server_address[1]}/ (Ctrl-C stops the server)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        server.server_close()
