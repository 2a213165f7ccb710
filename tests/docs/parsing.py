"""Are the words of a command what lensbench takes? Nothing is run and no file is looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unittest import mock

import click

from lensbench.api.budget import find_budget
from lensbench.api.entry import Kind
from lensbench.cli.main import _root
from lensbench.cli.options import split_references
from lensbench.registry import Catalogue

OPTIONS: dict[str, Kind] = {
    "encoder": "encoder",
    "pretraining": "pretraining",
    "transfer": "transfer",
    "baseline": "baseline",
    "task": "task",
    "dataset": "dataset",
    "test_dataset": "dataset",
    "train_condition": "condition",
    "test_conditions": "condition",
    "pretraining_conditions": "condition",
    "target_condition": "condition",
    "condition": "condition",
    "conditions": "condition",
}
MADE_UP = ("my-", "centroid")
"""Names that a page gives to plugins of its readers."""


def context_of(words: Sequence[str]) -> click.Context:
    """The verb with its options, as the command line reads them; files need not be there."""
    known = [re.sub(r"^\$\w+$", "1", word) for word in words[1:]]  # a variable of the shell
    with mock.patch.object(click.Path, "convert", lambda self, value, param, ctx: value):
        context = _root.make_context("lensbench", known)
        while isinstance(context.command, click.Group):
            rest = [*context._protected_args, *context.args]
            name, command, rest = context.command.resolve_command(context, rest)
            assert command is not None
            context = command.make_context(name, rest, parent=context)
    return context


def plugins_of(context: click.Context) -> Iterator[tuple[Kind, str]]:
    """Every plugin that the options name."""
    for option, kind in OPTIONS.items():
        value = context.params.get(option)
        for reference in split_references(value) if isinstance(value, str) else ():
            yield kind, reference


def check_words(words: Sequence[str], catalogue: Catalogue) -> None:
    """Raises what the command line says of a mistake in options, budget or plugins."""
    context = context_of(words)
    if context.params.get("budget"):
        find_budget(context.params["budget"])
    for kind, reference in plugins_of(context):
        if not reference.startswith(MADE_UP):
            catalogue.canonical(kind, reference)
