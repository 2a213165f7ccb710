"""Reads tables that lensbench printed, kept in `docs/output`, for pages and figures to quote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "output"
TRAINED = " (trained on)"


def read(output: str, title: str) -> dict[str, dict[str, str]]:
    """Entrant → column → text, of the one table whose title matches a regular expression."""
    tables = re.split(r"\n\n(?=\w+ on )", (OUTPUT / output).read_text())
    (table,) = (text for text in tables if re.match(title, text))
    lines = [re.split(r" {2,}", line) for line in table.splitlines()]
    start = next(number for number, line in enumerate(lines) if line[0] == "entrant")
    names = [name.removesuffix(TRAINED) for name in lines[start]]
    rows = (line for line in lines[start + 2 :] if len(line) == len(names))
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def markdown(
    output: str, title: str, entrants: Mapping[str, str], columns: Mapping[str, str]
) -> str:
    """Some rows and columns of a table, under names that a reader knows."""
    rows = read(output, title)
    lines = [[label, *(rows[name][one] for one in columns)] for name, label in entrants.items()]
    return joined(["", *columns.values()], lines)


def by_labels(
    output: str,
    title: str,
    entrants: Mapping[str, str],
    column: str,
    counts: Mapping[str, str],
    head: str = "labels",
) -> str:
    """One column of the tables of a study that differ in the number of labels.

    Args:
        output: File of the tables.
        title: Regular expression of their titles, with `{}` where the number of labels stands.
        entrants: Rows, and what to call them; those that no table has are left out.
        column: Which one.
        counts: Numbers of labels, empty for all, and what to call them.
        head: Of the names of rows.
    """
    found = [read(output, title.format(f", {one} labels" if one else "")) for one in counts]
    lines = [
        [label, *(one[name][column] if name in one else "–" for one in found)]
        for name, label in entrants.items()
        if any(name in one for one in found)
    ]
    return joined([head, *counts.values()], lines)


def joined(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines))
