"""The command `lensbench`: its verbs are imported when they are called."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from lensbench.cli.lazy import LazyGroup

VERBS = {
    "run": ("lensbench.cli.run", "Rank one entrant on one task under several conditions."),
    "pretrain": ("lensbench.cli.pretrain", "Pretrain an encoder and write it to a folder."),
    "embed": ("lensbench.cli.embed", "Compute the features of images in files."),
    "predict": ("lensbench.cli.predict", "Predict from images in files with a fitted entrant."),
    "measure": ("lensbench.cli.measure", "Measure the lenses in images in files, by a lens fit."),
    "neighbours": ("lensbench.cli.neighbours", "Find the images that are most like one image."),
    "sweep": ("lensbench.cli.sweep", "Compute all cells of a study."),
    "plan": (
        "lensbench.cli.plan",
        "Show what a study would compute, and estimate how long it takes.",
    ),
    "status": ("lensbench.cli.status", "Show the progress of a sweep."),
    "limits": ("lensbench.cli.limits", "Compute how precisely any method can measure a lens."),
    "list": ("lensbench.cli.listing", "List plugins and conditions."),
    "show": ("lensbench.cli.show", "Show the details of a plugin or condition."),
    "data": ("lensbench.cli.data", "Make, inspect, convert and preview images."),
    "show-run": ("lensbench.cli.show_run", "Draw the predictions of a run."),
    "store": ("lensbench.cli.store", "List, verify, remove and export stored results."),
    "why": (
        "lensbench.cli.why",
        "Show what a result was made from, and why it was computed again.",
    ),
    "leaderboard": ("lensbench.cli.leaderboard", "Compare, publish and verify results."),
    "plugin": ("lensbench.cli.plugin", "Create and check plugins."),
    "doctor": (
        "lensbench.cli.doctor",
        "Check the installation, the devices, the plugins and the store.",
    ),
}


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        import lensbench

        click.echo(f"lensbench {lensbench.__version__}")
        ctx.exit()


@click.command(cls=LazyGroup, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
def _root(debug: bool) -> None:
    """Benchmark vision models on images of strong gravitational lenses.

    \b
    Example:
      lensbench run --encoder mae-vit --task superres

    \b
    To have bash complete commands and names of plugins (for zsh: zsh_source):
      eval "$(_LENSBENCH_COMPLETE=bash_source lensbench)"
    """


def main() -> None:
    """Runs the command line: exit 0 done, 1 a failure in the run, 2 a mistake in the call."""
    from lensbench.errors import LensbenchError, no_room
    from lensbench.execution.garbage import spare_imports
    from lensbench.execution.interrupts import heed_sigterm
    from lensbench.execution.memory import reuse_freed_memory

    spare_imports()
    heed_sigterm()
    reuse_freed_memory()
    debug = "--debug" in sys.argv[1:2]
    try:
        code: Any = _root.main(prog_name="lensbench", standalone_mode=False)
    except (KeyboardInterrupt, click.exceptions.Abort) as stop:
        how = str(stop.__cause__ or stop) or "run the same command to go on"
        click.echo(f"\nstopped; what was finished is kept: {how}", err=True)
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
        if full := no_room(error):
            click.echo(f"error: {full.message}", err=True)
            click.echo(f"hint: {full.hint}", err=True)
        else:
            click.echo(f"error: {type(error).__name__}: {error}".splitlines()[0], err=True)
            click.echo("hint: lensbench --debug … shows where; please report it", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
