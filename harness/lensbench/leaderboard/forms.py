"""Tables as text: what strangers wrote into them stays text and never becomes code."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
from tabulate import MIN_PADDING, tabulate

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "−": "$-$",
    "±": r"$\pm$",
    "µ": r"\textmu{}",
    "²": r"$^2$",
    "σ": r"$\sigma$",
    "–": "--",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "″": r"$''$",
}
_MARKDOWN = {**{sign: f"\\{sign}" for sign in "\\|`*_[]~"}, "<": "&lt;", ">": "&gt;", "&": "&amp;"}
_NARROWEST = 24
"""Signs of a folded name, at least."""

_BETWEEN = 2
"""Blanks between two columns."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def latex(text: str) -> str:
    """Text as LaTeX that prints it."""
    return "".join(_LATEX.get(sign, sign) for sign in printable(text))


def markdown(text: str) -> str:
    """Text as Markdown, in a table or out of one, that shows it."""
    return "".join(_MARKDOWN.get(sign, sign) for sign in printable(text))


def printable(text: str) -> str:
    """Text with signs that steer a terminal or turn the direction of writing spelt out."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def spreadsheet(text: str) -> str:
    """Text that a spreadsheet takes for text: an apostrophe before what would be a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def text_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    form: str,
    title: str = "",
    note: str = "",
    width: int | None = None,
) -> str:
    """A table of text.

    Args:
        header: Names of columns; the first is aligned left, the others right.
        rows: Of as many cells.
        form: `terminal`, `markdown`, or `latex` (a booktabs tabular to be included).
        title: Above it; a comment in LaTeX.
        note: Below it; a comment in LaTeX.
        width: Signs that a line of a terminal has; where the table is wider, names are folded and
            columns follow in blocks.
    """
    escape: Callable[[str], str] = {"latex": latex, "markdown": markdown}.get(form, printable)
    names = [escape(name) for name in header]
    cells = [[escape(cell) for cell in row] for row in rows]
    if form == "latex":
        above, below = (f"% {printable(text)}" if text else "" for text in (title, note))
        body = _booktabs(names, cells)
    else:
        above, below = escape(title), escape(note)
        body = _grid(names, cells, "github" if form == "markdown" else "simple")
        if form == "terminal" and width and max(map(len, body.splitlines())) > width:
            above, below = (_folded(text, width) for text in (above, below))
            body = "\n\n".join(_grid(*block, "simple") for block in _blocks(names, cells, width))
    between = "\n" if form == "latex" else "\n\n"
    return between.join(part for part in (above, body, below) if part)


def _grid(names: Sequence[str], cells: Sequence[Sequence[str]], style: str) -> str:
    alignment = ["left", *["right"] * (len(names) - 1)]
    return str(tabulate(cells, names, style, colalign=alignment, disable_numparse=True))


def _blocks(
    names: Sequence[str], cells: Sequence[Sequence[str]], width: int
) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Columns of a table in blocks that fit, each with the first column, which is folded."""
    first = [_folded(row[0], max(_NARROWEST, width // 3)) for row in (names, *cells)]
    taken = max(len(line) for cell in first for line in cell.splitlines() or [""])
    widths = [
        max(len(name) + MIN_PADDING, *(len(row[i]) for row in cells)) + _BETWEEN
        for i, name in enumerate(names)
    ]
    block: list[int] = []
    for column in (*range(1, len(names)), None):
        room = width - taken - sum(widths[i] for i in block)
        if block and (column is None or widths[column] > room):
            chosen = ([row[i] for i in block] for row in (names, *cells))
            head, *body = ([name, *row] for name, row in zip(first, chosen, strict=True))
            yield head, body
            block = []
        block += [] if column is None else [column]


def _folded(text: str, width: int) -> str:
    """Text in lines of so many signs, broken after commas, colons and blanks where it has some."""
    lines = [""]
    for part in re.findall(r"[^,: ]*[,: ]?", text):
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _booktabs(names: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [" & ".join(row) + r" \\" for row in (names, *cells)]
    columns = "l" + "r" * (len(names) - 1)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def csv_text(frame: pl.DataFrame) -> str:
    """A frame as CSV (RFC 4180, but for line ends) without formulas."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    unsafe = [
        pl.col(name).str.strip_chars_start(" ").str.slice(0, 1).is_in(_FORMULA).fill_null(False)
        for name in texts
    ]
    safe = frame.with_columns(
        pl.when(bad).then("'" + pl.col(name)).otherwise(name).alias(name)
        for name, bad in zip(texts, unsafe, strict=True)
    )
    heading = io.StringIO()
    csv.writer(heading, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(
        map(spreadsheet, frame.columns)
    )
    return heading.getvalue() + safe.write_csv(include_header=False, quote_style="non_numeric")


def shown(value: Any, column: str = "") -> str:
    """A value of a frame in a table of text: numbers to four figures, nothing as a dash.

    No number of labels is all of them.
    """
    if value is None:
        return "all" if column == "labels" else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def frame_as(frame: pl.DataFrame, form: str) -> str | bytes:
    """A frame as `terminal`, `markdown`, `latex`, `csv`, `json` (a list of rows) or `parquet`."""
    if form == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    if form == "csv":
        return csv_text(frame)
    if form == "json":
        return frame.write_json()
    rows = [list(map(shown, row, frame.columns)) for row in frame.iter_rows()]
    return text_table(frame.columns, rows, form)
