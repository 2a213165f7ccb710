"""Whom to cite."""

import json

import pytest
from boards import rows, write_board

from lensbench.errors import DataError
from lensbench.leaderboard.board.documents import Credit, read_citations
from lensbench.leaderboard.citations import (
    bibtex,
    citation_cff,
    plugins_of,
    remarks_of,
    works_of,
)
from lensbench.store.records import records_frame


def credit(citation: str, name: str = "vit") -> Credit:
    return Credit("encoder", name, "lensbench", "0.1.0", "MIT", citation)


@pytest.mark.parametrize(
    ("citation", "found"),
    [
        ("He et al. 2021, arXiv:2111.06377", [("He et al.", "2021", "2111.06377", "")]),
        ("after Alexander et al. 2019, arXiv:1909.07346",
         [("Alexander et al.", "2019", "1909.07346", "")]),
        ("Lotz et al. 2004, arXiv:astro-ph/0311352; Platt 1999",
         [("Lotz et al.", "2004", "astro-ph/0311352", ""), ("Platt", "1999", "", "")]),
        ("Duchon 1979, doi:10.1175/1520-0450(1979)018<1016:LFIOAT>2.0.CO;2",
         [("Duchon", "1979", "", "10.1175/1520-0450(1979)018<1016:LFIOAT>2.0.CO;2")]),
        ("sky: Aihara et al. 2018 (arXiv:1704.05858); psf: Li et al. 2022 (arXiv:2108.13045)",
         [("Aihara et al.", "2018", "1704.05858", ""), ("Li et al.", "2022", "2108.13045", "")]),
        ("zeropoint: arXiv:2405.13496", [("", "", "2405.13496", "")]),
        ("psf_fwhm: grade 1 of 5; all else: as euclid-vis", []),
        ("Wolf et al. 2019, arXiv:1910.03771, and whoever made the model",
         [("Wolf et al.", "2019", "1910.03771", "")]),
    ],
)  # fmt: skip
def test_works_are_read_from_what_plugins_say(citation, found):
    """Authors, year and identifier, as plugins of this package write them."""
    works = works_of([credit(citation)])
    assert [(w.authors, w.year, w.arxiv, w.doi) for w in works] == found


def test_a_work_that_two_plugins_ask_for_stands_once():
    """With both named as its reason; what is no work is a remark."""
    two = [credit("He et al. 2021, arXiv:2111.06377", name) for name in ("a", "b")]
    (work,) = works_of([*two, credit("see the manual", "c")])
    assert work.used == ("encoder a", "encoder b")
    assert remarks_of([credit("see the manual", "c")]) == ["encoder c: see the manual"]


def test_every_work_that_the_reference_plugins_name_is_read(catalogue):
    """None is left as a remark, but for conditions, which say what each number is from."""
    credited = [
        Credit(kind, name, "p", "1", "MIT", item.entry.citation)
        for (kind, name), item in catalogue.entries.items()
        if kind != "condition" and item.package == "lensbench"
    ]
    assert len(credited) > 50
    assert remarks_of(credited) == []


def test_what_was_pretrained_on_or_adapted_to_is_named_too():
    """Though it was never tested on; without its options, and each once."""
    records, _ = rows("one", 30.0, seeds=1)
    views = "lenses kids-r | images:path=a b custom:base=hsc-i"
    found = plugins_of(records_frame([row | {"pretraining_views": views} for row in records]))
    named = {kind: [name for of, name in found if of == kind] for kind, _ in found}
    assert named["dataset"] == ["images", "lenses"]
    assert named["condition"] == ["custom", "home", "kids-r"]
    adapted = plugins_of(records_frame([row | {"target_view": "d c"} for row in records]))
    assert {("dataset", "d"), ("condition", "c")} <= set(adapted)


def test_bibtex_has_an_entry_a_work_and_the_software():
    """Keys differ, braces balance, and specials are escaped."""
    text = bibtex(
        "board", [credit("He & Li 2021, doi:10.1000/a_b; He & Li 2021, doi:10.1000/ab", "x_y")]
    )
    assert text.count("@misc{") == 2
    keys = [line for line in text.splitlines() if line.startswith("@")]
    assert len(set(keys)) == 3
    assert "author = {He and Li}" in text
    assert r"encoder x\_y" in text
    assert "doi = {10.1000/a_b}" in text
    assert text.count("{") == text.count("}")


def test_citation_cff_is_yaml_of_that_form():
    """Whatever a plugin writes stays a text."""
    yaml = pytest.importorskip("yaml")
    hostile = credit('"\n- injected: {[}] 2020, arXiv:2111.06377', 'a"b\n: c')
    loaded = yaml.safe_load(citation_cff("b: [x", [hostile]))
    assert loaded["cff-version"] == "1.2.0"
    assert [one["type"] for one in loaded["references"]] == ["software", "generic"]
    assert loaded["references"][1]["url"] == "https://arxiv.org/abs/2111.06377"
    assert "injected" not in loaded


@pytest.mark.parametrize("rows", [{}, [1], [{"kind": 1}], [{"kind": "encoder"}]])
def test_what_is_no_citations_file_is_refused(rows, tmp_path):
    """A board may say anything."""
    (tmp_path / "citations.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match=r"citations\.json"):
        read_citations(tmp_path)


def test_a_board_is_cited_by_what_it_says_itself(lensbench, tmp_path):
    """No plugin of it needs to be installed."""
    folder = write_board(tmp_path / "b", rows("unknown", 1.0))
    rows_ = [{"kind": "encoder", "name": "unknown", "package": "theirs", "version": "3",
              "citation": "Doe 2026, doi:10.5555/1", "summary": "…"}]  # fmt: skip
    (folder / "citations.json").write_text(json.dumps(rows_))
    shown = lensbench("leaderboard", "cite", folder)
    assert "doi = {10.5555/1}" in shown.out
    assert "version = {3}" in shown.out
    bare = write_board(tmp_path / "c", rows("unknown", 1.0))
    refused = lensbench("leaderboard", "cite", bare)
    assert (refused.code, "not installed" in refused.err) == (2, True)


def test_installed_plugins_are_cited_with_versions(lensbench, tmp_path):
    """With the condition that another is made from, and the version of the scenes."""
    facts = {"encoder": "mae-vit:patch=4", "pretraining": "mae", "train_condition": "psf@3"}
    folder = write_board(tmp_path / "b", rows("vit", 1.0, condition="psf@3", **facts))
    shown = lensbench("leaderboard", "cite", folder)
    assert shown.code == 0, shown.err
    assert "2111.06377" in shown.out  # He et al. 2021
    assert "2405.13496" in shown.out  # of euclid-vis
    assert "dataset lenses (scenes " in shown.out
