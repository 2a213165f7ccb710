"""The one file: what is in it, and what it lets happen."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib

import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.leaderboard.page import Evidence, build
from lensbench.leaderboard.page.assemble import MODULES, pack, page, script


@pytest.fixture(scope="module")
def html() -> str:
    return build(Evidence("a <b>board</b>", study_records(), pl.DataFrame(), study="</script>"))


def unpack(text: str) -> object:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def test_no_two_modules_have_a_name_in_common():
    """All become one script, in which a name twice is an empty page, or another function."""
    declared = r"^(?:async )?(?:function|class|const|let) (\w+)"
    names = re.findall(declared, script(), re.MULTILINE)
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))


def test_what_is_packed_comes_out_again():
    """Any JSON survives, and its packing has no letter that markup is made of."""
    values = {"a": ["</script>", "\u202e", None, 1.5], "b": {}}
    assert unpack(pack(values)) == values
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", pack(values))


def test_numbers_that_json_lacks_are_refused():
    """NaN never reaches the page as a word that no reader of JSON knows."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({"value": float("nan")})


def test_only_the_page_s_own_scripts_may_run(html):
    """The policy names the digest of each script that runs, and nothing else."""
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    scripts = re.findall(r"<script(?: type=\"module\")?>(.*?)</script>", html, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = re.search(r"script-src ([^;]*)", policy)[1]
    assert sorted(allowed.split()) == sorted(f"'sha256-{digest}'" for digest in digests)
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy


def test_it_names_no_address(html):
    """Nothing in the markup would be fetched: no link, image, style or frame from elsewhere."""
    markup = re.sub(r"<script.*?</script>|<style>.*?</style>", "", html, flags=re.DOTALL)
    assert re.findall(r"""(?:src|href)=["']?(?!#|data:,)[^"'\s>]+""", markup) == []
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style


def test_a_title_is_text(html):
    """Markup in the name of a board is escaped where it stands in the file."""
    assert "<title>a &lt;b&gt;board&lt;/b&gt; ·" in html
    assert "<b>board" not in html


def test_a_placeholder_in_values_is_left_alone():
    """What looks like a part of the template, in a name, is not filled in."""
    assert "<title>{{code}} ·" in page({"name": "{{code}}"}, {})


def test_modules_stand_after_what_they_import():
    """Joined in their order, no module needs a later one, and no import or export is left."""
    text = script()
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)
    from importlib.resources import files

    front = files("lensbench.leaderboard.page") / "front"
    for place, name in enumerate(MODULES):
        needs = re.findall(r'from "\./(\w+)\.js"', (front / f"{name}.js").read_text())
        assert set(needs) <= set(MODULES[:place]), name


def test_no_value_becomes_markup():
    """No module writes HTML: elements are made one by one, and text is text."""
    text = script()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in text


def test_a_served_page_may_ask_its_server_alone(html):
    """A page that is served may fetch from where it came; one from disk may not at all."""
    served = page({"name": "x"}, {}, live=True)
    assert "connect-src 'self'" in served and "connect-src 'none'" in html
