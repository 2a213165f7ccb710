"""What the verbs that take a study file share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.errors import UsageError
from lensbench.files import read_document

if TYPE_CHECKING:
    from lensbench.cells.resolved import Resolver
    from lensbench.study.expand import Expansion
    from lensbench.study.spec import Study


def study_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The study file and `--set`."""
    function = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Replace the value of a key of the study file, e.g. budget=smoke or "
        "axes.labels='[100]'. It can be given more than once.",
    )(function)
    return click.argument("study", type=click.Path(path_type=Path))(function)


def read_study(path: Path, overrides: Sequence[str]) -> tuple[Study, str]:
    """A study file and its text.

    Raises:
        DataError: Where it is no regular file, too large or nested too deeply.
        UsageError: Where it cannot be read or makes no sense.
    """
    from lensbench.study.spec import parse_study

    try:
        text = read_document(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the study {str(path)!r} cannot be read: {error}", "name a TOML file"
        ) from None
    study = parse_study(text, overrides, str(path))
    return study, text + "".join(f"\n# --set {word}" for word in overrides)


def expand_study(resolver: Resolver, study: Study) -> Expansion:
    """The cells of a study, tried for how their parts fit."""
    from lensbench.cells.checks import Checks
    from lensbench.study.expand import expand

    expanded = expand(resolver.catalogue, study, Checks(resolver.plugins).check)
    if not expanded.cells and not expanded.incompatible:
        raise UsageError(f"study {study.name!r} has no cell", "name an encoder or a baseline")
    return expanded
