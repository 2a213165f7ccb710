"""`lensbench plugin check`."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter

import click

from lensbench.cli.options import json_option


@click.command("check")
@click.argument("named", metavar="PACKAGE|FOLDER|KIND/NAME[:OPTION=VALUE,…]")
@click.option(
    "--encoder",
    default="",
    metavar="NAME[:…]",
    help="Encoder with which pretraining strategies and transfers are checked.  "
    "[default: one that fits]",
)
@json_option
def command(named: str, encoder: str, as_json: bool) -> None:
    """Check all plugins of a package, or one plugin. The exit code is 1 if a check fails.

    Give the name of an installed package, the path of a package's folder (it need not be
    installed), or the kind and name of one plugin.

    \b
    Examples:
      lensbench plugin check my-encoder
      lensbench plugin check ./my-encoder
      lensbench plugin check encoder/timm:resnet18
    """
    from lensbench.testing import check_package

    findings = check_package(named, encoder=encoder)
    ended = Counter(finding.state for finding in findings)
    if as_json:
        told = {"checks": [dataclasses.asdict(one) for one in findings], "ended": dict(ended)}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        plugin, check = (
            max(len(getattr(one, name)) for one in findings) for name in ("plugin", "check")
        )
        for one in findings:
            line = f"{one.plugin:<{plugin}}  {one.check:<{check}}  {one.state}"
            click.echo(f"{line}: {one.message}" if one.message else line)
            if one.hint and one.state == "failed":
                click.echo(f"{'':<{plugin}}  hint: {one.hint}")
        click.echo(", ".join(f"{count} {state}" for state, count in sorted(ended.items())))
    sys.exit(1 if ended["failed"] else 0)
