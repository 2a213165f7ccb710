"""The command `lensbench`: its verbs are imported when they are called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

VERBS = {
    "run": ("run", "Rank one entrant on one task under several conditions."),
    "sweep": ("sweep", "Compute all cells of a study."),
    "plan": ("plan", "Show what a study would compute, and how long it would take."),
    "status": ("status", "Show how a sweep stands."),
    "list": ("listing", "List plugins and conditions."),
    "show": ("show", "Show all about one plugin or condition."),
    "data": ("data", "Make, inspect, convert and preview images."),
    "show-run": ("show_run", "Draw pictures of a run."),
    "store": ("store", "List, verify, clear and export results."),
    "why": ("why", "Tell what a result is made of, and why it was made anew."),
    "doctor": ("doctor", "Check versions, devices, plugins and store."),
}


class _Verbs(click.Group):
    """A group that imports a verb's module when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"lensbench.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        import lensbench

        click.echo(f"lensbench {lensbench.__version__}")
        ctx.exit()


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version.",
)  # fmt: skip
def _root(debug: bool) -> None:
    """Which vision model is better for strong lensing, where it breaks, and whether it holds.

    \b
    Example:
      lensbench run --encoder mae-vit --task superres
    """


def main() -> None:
    """Runs the command line: exit 0 done, 1 a failure in the run, 2 a mistake in the call."""
    from lensbench.errors import LensbenchError

    debug = "--debug" in sys.argv[1:2]
    try:
        code: Any = _root.main(prog_name="lensbench", standalone_mode=False)
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("\nstopped; what was finished is kept: run the same command to go on", err=True)
        code = 130
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.UsageError as error:
        click.echo(f"error: {error.format_message()}", err=True)
        path = error.ctx.command_path if error.ctx else "lensbench"
        click.echo(f"hint: {path} --help", err=True)
        code = 2
    except LensbenchError as error:
        if debug:
            raise
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # a fault of ours still ends in one line
        if debug:
            raise
        click.echo(f"error: {type(error).__name__}: {error}".splitlines()[0], err=True)
        click.echo("hint: lensbench --debug … shows where; please report it", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
