"""The wheel and a plugin of a third party, installed by pip where neither was before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "plugins" / "example-plugin"


@pytest.fixture(scope="module")
def installed(make_environment):
    """An environment that has both."""
    return make_environment(PLUGIN)


def test_the_plugin_is_listed_beside_the_reference_plugins(installed):
    """Both are found through the entry points of installed packages."""
    listed = json.loads(installed.call("lensbench", "list", "--json").stdout)
    names = {(item["package"], item["name"]) for item in listed["plugins"]}
    assert {("example-plugin", name) for name in ("polar", "arcs", "opening")} <= names
    assert ("lensbench", "mae-vit") in names
    assert not listed["broken"]


@pytest.mark.slow
def test_the_plugin_is_ranked_and_passes_all_checks(installed):
    """Its encoder does its task on its dataset, without an edit of lensbench."""
    done = installed.call(
        "lensbench", "run", "--encoder", "polar", "--task", "opening", "--dataset", "arcs",
        "--budget", "smoke", "--quiet", "--workers", "0", "--test-conditions", "euclid-vis",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "polar + none + finetune" in done.stdout
    checked = installed.call("lensbench", "plugin", "check", "example-plugin", "--json")
    assert checked.returncode == 0, checked.stdout
    assert set(json.loads(checked.stdout)["ended"]) == {"passed"}
