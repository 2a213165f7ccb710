"""The page in a browser: it opens from disk, shows what the records say, and asks nobody."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.leaderboard.standings import Limit
from lensbench.leaderboard.table import study_tables

ROUTES = (
    "#/",
    "#/table/0",
    "#/states",
    "#/about",
    "#/entrant/mae-vit%20%2B%20mae%20%2B%20finetune",
)


def primary(records: pl.DataFrame, task: str) -> pl.DataFrame:
    return records.filter((pl.col("task") == task) & pl.col("labels").is_null())


def column(tab, index: int) -> list[str]:
    cells = f"#ranking ~ .tablebox tbody tr > :nth-child({index})"
    return tab.locator(cells).all_inner_texts()


def test_it_asks_nobody_and_does_not_complain(reader, page_of):
    """Every view opens from disk without a request to anywhere or a word on the console."""
    path = page_of(study_records())
    one = reader()
    for route in ROUTES:
        tab = one.open(path, route)
        assert tab.locator("h1").count() == 1
    tab.goto(path.as_uri() + "#/table/0")
    tab.locator("figure .drawing").first.scroll_into_view_if_needed()
    tab.wait_for_selector(".drawing[data-drawn] svg")
    assert one.fetched == []
    assert one.complaints == []


def test_values_equal_the_records(reader, page_of):
    """Each value of the ranking is the record's, to eight figures."""
    records = study_records()
    tab = reader().open(page_of(records), "#/table/0")
    wanted = primary(records, "morphology").filter(pl.col("state") == "done")
    for (entrant,), rows in wanted.group_by("entrant"):
        line = tab.locator("#ranking ~ .tablebox tbody tr").filter(
            has=tab.get_by_role("link", name=entrant, exact=True)
        )
        shown = line.locator("td.value").evaluate_all("all => all.map(td => +td.dataset.value)")
        assert sorted(shown) == pytest.approx(sorted(rows["value"]), rel=1e-7)


def test_limits_are_drawn_into_the_plots(reader, page_of):
    """A bar under each condition that has one, a dashed line where conditions are graded."""
    known = {("auroc", name): Limit(math.nan, 0.987) for name in ("euclid-vis", "psf@1", "psf@2")}
    path = page_of(study_records(tasks=1, conditions=8), limits=lambda first: known)
    one = reader()
    tab = one.open(path, "#/table/0")
    for place, limits in ((0, 1), (1, 3)):
        figure = tab.locator("figure").nth(place)
        figure.scroll_into_view_if_needed()
        figure.locator(".drawing[data-drawn] svg").wait_for()
        drawn = figure.locator('svg path[stroke="var(--ink)"], svg path[fill="var(--ink)"]')
        assert drawn.count() >= limits
        figure.locator("summary").click()
        last = figure.locator("details tbody tr").last.inner_text()
        assert last.startswith("limit of all methods") and last.count("0.987") == limits
    assert one.complaints == []


def test_the_limit_is_drawn_over_numbers_of_labels(reader, page_of):
    """A dashed line, and a row of the numbers."""
    known = {("auroc", "euclid-vis"): Limit(math.nan, 0.987)}
    one = reader()
    tab = one.open(page_of(study_records(tasks=1), limits=lambda first: known), "#/table/0")
    figure = tab.locator("figure").filter(has_text="With fewer labels")
    figure.scroll_into_view_if_needed()
    figure.locator(".drawing[data-drawn] svg").wait_for()
    assert figure.locator('svg path[stroke="var(--ink)"][stroke-dasharray]').count() == 1
    figure.locator("summary").click()
    last = figure.locator("details tbody tr").last.inner_text()
    assert last.startswith("limit of all methods") and last.count("0.987") > 1
    assert one.complaints == []


def test_labels_are_placed_by_their_number_where_all_are_counted(reader, page_of):
    """On a logarithmic axis, and `all` is said with its number."""
    records = study_records(tasks=1, labels=(None, 10, 100))
    counted = dict.fromkeys(records["cell"], 1000)
    tab = reader().open(page_of(records, all_labels=counted), "#/table/0")
    labelled = tab.get_by_label("Labelled scenes").locator("option").all_inner_texts()
    assert labelled == ["all 1\u202f000", "100", "10"]
    figure = tab.locator("figure").filter(has_text="With fewer labels")
    figure.scroll_into_view_if_needed()
    figure.locator(".drawing[data-drawn] svg").wait_for()
    axis = figure.locator("svg .role-axis-label").first
    places = axis.locator("text").evaluate_all(
        "all => all.map(one => [one.textContent, one.getBoundingClientRect().x])"
    )
    ten, hundred, thousand = (dict(places)[name] for name in ("10", "100", "1,000"))
    assert thousand - hundred == pytest.approx(hundred - ten, rel=0.1)


def test_an_encoder_is_called_by_its_short_name(reader, page_of):
    """In every view; its link, its title and its page keep the full one."""
    path = page_of(study_records(), short={"mae-vit": "lensbench-tiny"})
    tab = reader().open(path, "#/table/0")
    link = tab.get_by_role("link", name="lensbench-tiny + mae + finetune", exact=True).first
    assert link.get_attribute("title") == "mae-vit + mae + finetune"
    text = tab.locator("main").inner_text()
    assert "lensbench-tiny" in text and "mae-vit" not in text
    tab.get_by_label("Search").fill("mae-vit finetune")
    assert column(tab, 3) == ["lensbench-tiny + mae + finetune"]
    link.click()
    tab.wait_for_selector("h1.long")
    assert tab.locator("h1").inner_text() == "lensbench-tiny + mae + finetune"
    assert tab.locator("dd code").first.inner_text() == "mae-vit"


def test_a_question_of_the_study_comes_before_the_names(reader, page_of):
    """Words between backticks are code."""
    study = """
[[contrast]]
a = "mae-vit + mae + finetune"
b = "resnet18 + none + finetune"
task = "morphology"
question = "Is `mae-vit` better?"
"""
    tab = reader().open(page_of(study_records(), study=study))
    cell = tab.locator("section table.stacks tbody th").first
    said = cell.inner_text().split("\n")
    assert said == [
        "Is mae-vit better?", "mae-vit + mae + finetune minus resnet18 + none + finetune",
    ]  # fmt: skip
    assert cell.locator("code").inner_text() == "mae-vit"


def test_the_learning_curve_of_the_best_trained_network_is_drawn(reader, page_of):
    """Although its entrant is not among the first five."""
    records = study_records(entrants=12, tasks=1, labels=(None,))
    ranked = records.filter(
        (pl.col("test_condition") == "euclid-vis") & pl.col("value").is_not_null()
    ).sort("value", descending=True)
    last = ranked["cell"][-1]
    curve = pl.when(pl.col("cell") == last).then(pl.lit("0:0.4 10:0.5 100:0.7")).alias("curve_fit")
    one = reader()
    tab = one.open(page_of(records.with_columns(curve)), "#/table/0")
    figure = tab.locator("figure").filter(has_text="As training goes on")
    figure.scroll_into_view_if_needed()
    figure.locator(".drawing[data-drawn] svg").wait_for()
    assert one.complaints == []
    figure.locator("summary").click()
    figure.locator("details tbody tr").first.wait_for()  # the table is made once it is opened
    rows = figure.locator("details tbody tr").all_inner_texts()
    name = ranked["entrant"][-1]
    assert any(row.startswith(name) and row.endswith("100\t0.7") for row in rows)


def test_a_phone_shows_the_first_value_of_a_ranking(reader, page_of):
    """Place, entrant and the value that ranks are seen without scrolling sideways."""
    tab = reader(viewport={"width": 390, "height": 844}).open(page_of(study_records()), "#/table/0")
    cell = tab.locator("#ranking ~ .tablebox tbody tr").first.locator("td.value").first
    assert cell.bounding_box()["x"] + cell.bounding_box()["width"] <= 390


def test_rows_are_sorted_by_any_column(reader, page_of):
    """A press on a heading sorts by it, a second turns it round, and a reader is told."""
    tab = reader().open(page_of(study_records()), "#/table/1")
    heading = tab.locator("#ranking ~ .tablebox thead th").nth(3)
    places = column(tab, 2)
    assert places == sorted(places, key=lambda text: (text == "–", text))
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    values = tab.locator("#ranking ~ .tablebox tbody tr > :nth-child(4)").evaluate_all(
        "all => all.map(td => td.dataset.value).filter(Boolean).map(Number)"
    )
    assert values == sorted(values, reverse=True) and len(values) > 2
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert "ascending" in tab.locator("#said").inner_text()


def test_rows_are_searched_and_filtered(reader, page_of):
    """Words, kind and state each leave the rows that have them."""
    tab = reader().open(page_of(study_records()), "#/table/0")
    tab.get_by_label("Search").fill("MAE fine")
    assert column(tab, 3) == ["mae-vit + mae + finetune", "resnet18 + mae + finetune"]
    tab.get_by_label("Search").fill("")
    tab.get_by_label("Kind").select_option("baseline")
    assert sorted(column(tab, 3)) == ["bicubic", "spectrum-logreg"]
    tab.get_by_label("Kind").select_option("")
    tab.get_by_label("State").select_option("failed")
    assert column(tab, 3) == ["mae-vit + none + linear"]
    tab.get_by_label("Search").fill("nothing is called so")
    assert "No row passes" in tab.locator("td.none").inner_text()


def test_an_entrant_is_followed_to_its_page(reader, page_of):
    """The link of a row leads to what the entrant is, its values, and a command that repeats it."""
    records = study_records()
    tab = reader().open(page_of(records), "#/table/0")
    tab.get_by_role("link", name="mae-vit + mae + finetune", exact=True).first.click()
    tab.wait_for_selector("h1.long")
    assert tab.locator("h1").inner_text() == "mae-vit + mae + finetune"
    command = tab.locator("pre.wrap span").first.inner_text()
    assert command.startswith(
        "lensbench run --encoder mae-vit --pretraining mae --transfer finetune --task morphology"
    )
    shown = tab.locator("[data-value]").evaluate_all("all => all.map(one => +one.dataset.value)")
    mine = records.filter(pl.col("entrant") == "mae-vit + mae + finetune")["value"]
    assert sorted(shown) == pytest.approx(sorted(mine), rel=1e-7)


def test_four_states_look_like_four(reader, page_of):
    """Failed, incompatible and absent are named where a value would stand, each with its reason."""
    path = page_of(study_records())
    one = reader()
    tab = one.open(path, "#/table/0")
    for state, count in (("failed", 4), ("incompatible", 4), ("absent", 1)):
        assert tab.locator(f"#ranking ~ .tablebox .chip.{state}").count() == count
    tab = one.open(path, "#/states")
    text = tab.locator("main").inner_text()
    assert "loss is not finite" in text and "no patches" in text and "no record" in text


def test_a_keyboard_is_enough(reader, page_of):
    """The first key reaches the skip link; it leads to the content and leaves the page as it is."""
    tab = reader().open(page_of(study_records()), "#/table/0")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    assert tab.locator("h1").inner_text() == "morphology"


@pytest.mark.parametrize("width", [390, 820, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(reader, page_of, width, scheme):
    """On a phone, a tablet and a desk no view scrolls sideways as a whole."""
    path = page_of(study_records())
    one = reader(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for route in ROUTES:
        tab = one.open(path, route)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(reader, page_of, scheme):
    """axe-core finds no violation that it calls serious or critical, in any view."""
    axe = pytest.importorskip("axe_core_python", reason="axe-core is not installed")
    code = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    path = page_of(study_records())
    one = reader(color_scheme=scheme, bypass_csp=True)
    for route in ROUTES:
        tab = one.open(path, route)
        tab.wait_for_timeout(400)
        tab.evaluate(code)
        result = tab.evaluate("axe.run(document)")
        assert len(result["passes"]) > 15
        serious = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in serious] == []


def test_the_reader_s_colours_hold(reader, page_of):
    """The button goes from the system's colours to light to dark, and charts follow."""
    tab = reader(color_scheme="light").open(page_of(study_records()), "#/table/0")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    tab.locator("#theme").click()
    assert tab.evaluate(paper) == light
    tab.locator("#theme").click()
    assert tab.evaluate(paper) != light
    assert "dark" in tab.locator("#theme").get_attribute("aria-label")


def test_it_prints_in_black_on_white(reader, page_of):
    """On paper a dark screen is white, and what can only be pressed is left out."""
    one = reader(color_scheme="dark")
    tab = one.open(page_of(study_records()), "#/table/0")
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not tab.locator(".controls").first.is_visible()


def test_differences_from_intervals_say_so(reader, page_of):
    """Without scores by scene they are marked, have intervals, and nothing is called better."""
    tab = reader().open(page_of(study_records()), "#/table/0")
    text = tab.locator("#pairs ~ div").last.inner_text()
    assert "from the intervals alone" in text and "exploratory" in text
    cells = tab.locator(".pairs td.number").all_inner_texts()
    assert len(cells) == 12 and all("~" in cell and " to " in cell for cell in cells)
    assert tab.locator(".pairs .better, .pairs .worse").count() == 0


def test_the_page_shows_what_the_terminal_shows(reader, page_of):
    """Order, name, worst condition, gap, scenes and seconds are those of the ranked table."""
    records = study_records(seeds=2)
    table = next(
        t for t in study_tables(records) if "theta" not in t.title and "labels" not in t.title
    )
    tab = reader().open(page_of(records), "#/table/0")
    heads = [
        text.split("\n")[0]
        for text in tab.locator("#ranking ~ .tablebox thead th").all_inner_texts()
    ]
    for name in ("entrant", "worst", "gap", "n", "seconds"):
        place = next(i for i, text in enumerate(heads, 1) if text.lower().startswith(name))
        mine = table.header.index(name)
        assert column(tab, place) == [row[mine] for row in table.rows]
