"""Tables as text: what strangers wrote into them stays text and never becomes code."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from tabulate import tabulate

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
    header: Sequence[str], rows: Sequence[Sequence[str]], form: str, title: str = "", note: str = ""
) -> str:
    """A table of text.

    Args:
        header: Names of columns; the first is aligned left, the others right.
        rows: Of as many cells.
        form: `terminal`, `markdown`, or `latex` (a booktabs tabular to be included).
        title: Above it; a comment in LaTeX.
        note: Below it; a comment in LaTeX.
    """
    escape: Callable[[str], str] = {"latex": latex, "markdown": markdown}.get(form, printable)
    names = [escape(name) for name in header]
    cells = [[escape(cell) for cell in row] for row in rows]
    if form == "latex":
        above, below = (f"% {printable(text)}" if text else "" for text in (title, note))
        body = _booktabs(names, cells)
    else:
        above, below = escape(title), escape(note)
        style = "github" if form == "markdown" else "simple"
        alignment = ["left", *["right"] * (len(names) - 1)]
        body = tabulate(cells, names, style, colalign=alignment, disable_numparse=True)
    between = "\n" if form == "latex" else "\n\n"
    return between.join(part for part in (above, body, below) if part)


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
