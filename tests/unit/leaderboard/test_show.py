"""Tables of any columns, in six forms; hostile text stays text."""

import csv
import io
import json
import re

import polars as pl
import pytest
from boards import rows, write_board

from lensbench.errors import DataError, UsageError
from lensbench.leaderboard.forms import csv_text, frame_as, latex, markdown, text_table
from lensbench.leaderboard.selection import Selection, select
from lensbench.leaderboard.source import open_source, scan_records
from lensbench.store.records import records_frame

HOSTILE = [
    '=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1+1", "＝1",
    "<script>alert(1)</script>", "a|b\n| c |", "\\input{/etc/passwd}", "\x1b[31mred",
    "a\u202eb", "100%_#$&~^{}", "[x](javascript:alert(1))",
]  # fmt: skip


@pytest.fixture
def records() -> pl.LazyFrame:
    """Two entrants under two conditions with three seeds, one more with ten labels."""
    parts = [
        rows("one", 30.0), rows("one", 28.0, condition="far"), rows("two", 31.0),
        rows("two", 25.0, condition="far"), rows("two", 20.0, labels=10),
    ]  # fmt: skip
    return records_frame([row for part in parts for row in part[0]]).lazy()


def test_rows_are_filtered_sorted_and_cut(records):
    """By text with a star, by number, by emptiness; largest first; two rows."""
    chosen = Selection(("entrant=t*", "value>24"), sort=("-value",))
    assert select(records, chosen)["value"].round(0).to_list() == [31.0, 25.0]
    empty = select(records, Selection(("labels=",), sort=("entrant", "-value"), limit=2))
    assert empty["entrant"].to_list() == ["one", "one"]
    assert select(records, Selection(("entrant!=one", "labels=10|20"))).height == 1
    assert select(records, Selection(each_seed=True)).height == 15


def test_any_column_can_be_turned(records):
    """Values of one column become columns; what is absent is empty and not zero."""
    found = select(records, Selection(pivot="test_condition", rows=("entrant", "labels")))
    assert found.columns == ["entrant", "labels", "home", "far"]
    assert found.filter(pl.col("labels") == 10)["far"].to_list() == [None]
    counted = select(records, Selection(("labels=",), pivot="entrant", rows=("test_condition",),
                                        value="fits"))  # fmt: skip
    assert counted.rows() == [("home", 3, 3), ("far", 3, 3)]


def test_no_number_of_labels_is_all_of_them(records):
    """In a test, in a heading and in a table of text; data keep it empty."""
    every = select(records, Selection(("labels=all",)))
    assert every.equals(select(records, Selection(("labels=",)))) and every.height == 4
    assert select(records, Selection(("labels=all|10",))).height == 5
    found = select(records, Selection(("test_condition=home",), pivot="labels"))
    assert found.columns == ["entrant", "all", "10"]
    flat = select(records, Selection(columns=("entrant", "labels"), limit=1))
    assert frame_as(flat, "terminal").split()[-1] == "all"
    assert json.loads(frame_as(flat, "json"))[0]["labels"] is None


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Selection(("nope=1",)), "no column 'nope'"),
        (Selection(("value>x",)), "value is a number"),
        (Selection(("entrant>one",)), "has no order"),
        (Selection(("entrant",)), "is no test"),
        (Selection(("entrant=nobody",)), "no record passes --where 'entrant=nobody'"),
        (Selection(("value>=0", "value>=1e9")), "no record passes --where 'value>=1e9'"),
        (Selection(metric="nothing"), "no record is left"),
        (Selection(columns=("values",)), "no column 'values'"),
        (Selection(pivot="test_condition"), "differ in labels"),
        (Selection(pivot="entrant"), "needs other --rows"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(records, chosen, message):
    """Mistakes in the call."""
    with pytest.raises(UsageError, match=message):
        select(records, chosen)


def test_a_test_that_nothing_passes_names_what_there_is(records):
    """Of the records that the tests before it left."""
    with pytest.raises(UsageError) as raised:
        select(records, Selection(("labels=10", "test_condition=moon")))
    left = records.filter(pl.col("labels") == 10).collect()["test_condition"].unique().sort()
    assert raised.value.hint == f"test_condition is {', '.join(left)}"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_formula_in_a_spreadsheet(text):
    """Neither in a cell nor in a heading; other text and numbers come back as they were."""
    frame = pl.DataFrame({text: [text, "plain"], "number": [-1.5, 2.0]})
    heading, first, second = csv.reader(io.StringIO(csv_text(frame), newline=""))
    for cell in (heading[0], first[0]):
        assert cell.lstrip(" ")[0] not in "=+-@\t\r＝"
        assert cell.removeprefix("'") == text
    assert first[1] == "-1.5"
    assert second == ["plain", "2.0"]


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_out_of_a_table(form, text):
    """A table with it has as many lines and columns as one without; nothing steers a terminal."""
    plain = text_table(["a", "b"], [["x", "1"]], form, "title", "note").splitlines()
    shown = text_table([text, "b"], [[text, "1"]], form, text, text).splitlines()
    assert len(shown) == len(plain)
    whole = "\n".join(shown)
    assert "\x1b" not in whole
    assert "\u202e" not in whole
    if form == "markdown":
        assert "<script" not in whole
        assert all(line.replace("\\|", "").count("|") == 3 for line in shown[2:5])
    if form == "latex":
        body = [line for line in shown if not line.startswith("%")]
        assert not any("\\input" in line for line in body)
        assert shown[0].startswith("% ")


def test_latex_and_markdown_print_what_was_written():
    """Specials are escaped, signs of the field are kept."""
    assert latex("a_b & 30 ± 1 µJy 5%") == r"a\_b \& 30 $\pm$ 1 \textmu{}Jy 5\%"
    assert latex("\\^~") == r"\textbackslash{}\textasciicircum{}\textasciitilde{}"
    assert markdown("a*b|<c>") == r"a\*b\|&lt;c&gt;"


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_machines_read_what_was_shown(lensbench, tmp_path, form):
    """CSV, JSON and Parquet hold the same rows."""
    folder = write_board(tmp_path / "b", rows("one", 30.0), rows("two", 31.0))
    out = tmp_path / f"table.{form}"
    called = lensbench(
        "leaderboard", "show", folder, "--format", form, "--out", out, "--columns",
        "entrant,value,fits", "--sort", "-value",
    )  # fmt: skip
    assert called.code == 0, called.err
    readers = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}
    found = readers[form](out)
    assert found["entrant"].to_list() == ["two", "one"]
    assert found["fits"].to_list() == [3, 3]


def test_the_ranked_tables_are_shown_without_options(lensbench, tmp_path):
    """A board's, a file's, in each form of text, and as JSON."""
    folder = write_board(tmp_path / "b", rows("one", 30.0), rows("two", 31.0))
    shown = lensbench("leaderboard", "show", folder)
    assert shown.out.index("two") < shown.out.index("one")
    same = lensbench("leaderboard", "show", folder / "records.parquet")
    assert same.out == shown.out
    assert r"\toprule" in lensbench("leaderboard", "show", folder, "--format", "latex").out
    data = json.loads(lensbench("leaderboard", "show", folder, "--json").out)
    assert {row["entrant"] for row in data} == {"one", "two"}


def test_all_tables_are_exported(lensbench, tmp_path):
    """Markdown and LaTeX of each table, scores and records."""
    folder = write_board(tmp_path / "b", rows("one", 30.0), rows("one", 20.0, labels=10))
    called = lensbench("leaderboard", "export", folder, "--to", tmp_path / "out")
    assert called.code == 0, called.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"scores.csv", "scores.json", "records.csv", "table-1.md", "table-1.tex",
                     "table-2.md", "table-2.tex"}  # fmt: skip
    assert pl.read_csv(tmp_path / "out" / "scores.csv").height == 2
    assert pl.read_csv(tmp_path / "out" / "records.csv").height == 6


def test_what_is_no_board_is_refused(lensbench, tmp_path):
    """A folder without records, a file that is no Parquet, one of other columns."""

    def no_store():
        raise AssertionError("a store was opened")

    with pytest.raises(UsageError, match="is no board"):
        open_source(str(tmp_path), no_store)
    garbage = tmp_path / "garbage.parquet"
    garbage.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        scan_records(garbage)
    other = tmp_path / "other.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(other)
    with pytest.raises(DataError, match="no column 'version'"):
        scan_records(other)
    called = lensbench("leaderboard", "show", tmp_path / "nothing.parquet")
    assert (called.code, called.err.count("\n")) == (2, 2)


def test_a_narrow_terminal_gets_names_folded_and_columns_in_blocks():
    """Every line fits and every cell is there once, in order; a wide terminal gets one line."""
    long = "residual:apart=yes,encoder=small-resnet:weights=long,view=0.1 + none + ridge"
    header = ["entrant", *(f"condition-{i}" for i in range(9))]
    rows = [[name, *(f"0.{n}{i} ± 0.01" for i in range(9))] for n, name in enumerate((long, "x"))]
    whole = text_table(header, rows, "terminal", "a title " * 20, "a note " * 20)
    narrow = text_table(header, rows, "terminal", "a title " * 20, "a note " * 20, 60)
    assert max(map(len, whole.splitlines())) > 120
    assert max(map(len, narrow.splitlines())) <= 60
    for row in (header, *rows):
        cells = re.findall(r"condition-\d|0\.\d\d ± 0\.01", narrow)
        assert [cell for cell in cells if cell in row] == row[1:]
    names = "".join(line[:24].replace(" ", "") for line in narrow.splitlines())
    assert names.count(long.replace(" ", "")) == narrow.count("entrant ") > 1
    budget = "budget converged:" + ",".join(f"{name}_scenes=1000" for name in "abcdefgh")
    short = [f"c{i}" for i in range(30)]
    narrow = text_table(["entrant", *short], [["x", *["1"] * 30]], "terminal", budget, width=60)
    assert max(map(len, narrow.splitlines())) <= 60
    assert all(f"{name}_scenes=1000" in narrow for name in "abcdefgh")
    assert text_table(header, rows, "terminal", width=500) == text_table(header, rows, "terminal")
    assert text_table(header, rows, "markdown", width=60) == text_table(header, rows, "markdown")
