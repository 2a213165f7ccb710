"""A wheel of lensbench and a third party's plugin, installed by pip into a folder of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder that both are installed into."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--no-build-isolation", "--target", str(folder),
         str(ROOT), str(ROOT / "plugins" / "example-plugin")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def installed(site, tmp_path):
    """Calls the command line of the installed wheel, in an empty folder."""

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from lensbench.cli import main; main()", *words]
        env = os.environ | {"PYTHONPATH": str(site)}
        return subprocess.run(
            command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False
        )

    return call


def test_the_wheel_has_all_that_is_no_python(site):
    """Types, templates and the front of the page are part of it."""
    package = site / "lensbench"
    assert (package / "py.typed").exists()
    assert (package / "leaderboard" / "page" / "front" / "page.html").exists()
    source = ROOT / "harness" / "lensbench" / "scaffold" / "templates"
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    templates = package / "scaffold" / "templates"
    assert wanted == {
        path.relative_to(templates) for path in templates.rglob("*") if path.is_file()
    }


def test_the_plugin_is_listed_beside_the_reference_plugins(installed):
    """Both are found through the entry points of installed packages."""
    listed = json.loads(installed("list", "--json").stdout)
    names = {(item["package"], item["name"]) for item in listed["plugins"]}
    assert {("example-plugin", name) for name in ("polar", "arcs", "opening")} <= names
    assert ("lensbench", "mae-vit") in names
    assert not listed["broken"]


@pytest.mark.slow
def test_the_plugin_is_ranked_and_passes_all_checks(installed):
    """Its encoder does its task on its dataset, without an edit of lensbench."""
    done = installed(
        "run", "--encoder", "polar", "--task", "opening", "--dataset", "arcs", "--budget", "smoke",
        "--quiet", "--workers", "0", "--test-conditions", "euclid-vis",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "polar + none + finetune" in done.stdout
    checked = installed("plugin", "check", "example-plugin", "--json")
    assert checked.returncode == 0, checked.stdout
    assert set(json.loads(checked.stdout)["ended"]) == {"passed"}


def test_a_shell_can_complete_verbs(installed, site):
    """click gives bash the verbs that begin as typed."""
    code = "from lensbench.cli import main; main()"
    env = os.environ | {
        "PYTHONPATH": str(site), "_LENSBENCH_COMPLETE": "bash_complete",
        "COMP_WORDS": "lensbench plu", "COMP_CWORD": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False
    )
    assert done.stdout.strip() == "plain,plugin"
