"""`lensbench plugin new`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lensbench.api.entry import Kind
from lensbench.cli.options import json_option
from lensbench.registry import load_catalogue
from lensbench.scaffold import PLUGIN_KINDS, new_project


@click.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(PLUGIN_KINDS), required=True, help="Kind of the plugin.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Folder in which the project's folder is made.  [default: the current folder]",
)
@json_option
def command(name: str, kind: Kind, out: Path, as_json: bool) -> None:
    """Write the project of a new plugin called NAME.

    The project is a complete package with a small working plugin, its tests and a README. Install
    it, run it, and replace the plugin by your own.

    \b
    Examples:
      lensbench plugin new my-encoder --kind encoder
      lensbench plugin new my-task --kind task --out ~/work
    """
    project = new_project(name, kind, out, load_catalogue())
    if as_json:
        told = {"folder": str(project.folder), "files": project.files, "run": project.run}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for file in project.files:
        click.echo(project.folder / file)
    click.echo(f"Install: pip install --editable '{project.folder}[test]'")
    click.echo(f"Test:    pytest {project.folder}")
    click.echo(f"Check:   lensbench plugin check {name}")
    click.echo(f"Rank:    {project.run}")
