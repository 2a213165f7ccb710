"""A plugin that goes wrong at import is named, and nothing else suffers from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import lensbench
from lensbench import Entry

@lensbench.hookimpl
def lensbench_encoders():
    return [Entry("guest", "{module}:Guest", summary="Made.", licence="MIT")]
"""
LIST = (sys.executable, "-c", "from lensbench.cli import main; main()", "list")


def install(site: Path, package: str, text: str) -> None:
    """A package with one module and an entry point, as an installer would leave it."""
    module = package.replace("-", "_")
    (site / f"{module}.py").write_text(text.replace("{module}", module))
    facts = site / f"{module}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[lensbench]\n{module} = {module}\n")


def call(site: Path, *words: str, command=LIST, **env: str) -> subprocess.CompletedProcess[str]:
    """A command with the site's packages installed."""
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, check=False, timeout=600,
        env=os.environ | {"PYTHONPATH": path} | env,
    )  # fmt: skip


def listed(site: Path, **env: str) -> dict:
    """What `lensbench list --json` finds."""
    done = call(site, "--json", **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Odd",
         "Odd: it has no message that can be read"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os\nos._exit(3)", "os._exit(3)"),
        ("import os\nif os.fork():\n    os.wait()\nelse:\n    os._exit(0)\nraise SystemExit('bye')",
         "SystemExit: bye"),
        (HEAD.replace('"guest", "{module}:Guest"', "name=7, target=None"), "Entry name is 7"),
        (HEAD.replace('"{module}:Guest"', '"no path"'), "Entry target is 'no path'"),
        (HEAD.replace("licence=", "tasks='morphology', licence="), "tasks is 'morphology'"),
        (HEAD.replace('"guest"', '"lensbench/guest"'), "has a slash"),
    ],
)  # fmt: skip
def test_one_bad_plugin_is_named_and_the_rest_is_used(tmp_path, text, error):
    """Whatever it does at import, the verb goes on, and the package is blamed."""
    install(tmp_path, "bad-guest", text)
    install(tmp_path, "good-guest", HEAD)
    found = listed(tmp_path)
    (broken,) = found["broken"]
    assert broken["package"] == "bad-guest"
    assert error in broken["error"]
    names = {(one["kind"], one["name"]) for one in found["plugins"]}
    assert {("encoder", "mae-vit"), ("encoder", "guest"), ("condition", "euclid-vis")} <= names


def test_a_taken_name_drops_the_offender_alone(tmp_path):
    """Even of a package that sorts first; either is reached by `package/name`."""
    text = HEAD.replace('return [Entry("guest"', 'return [Entry("guest", "{module}:Guest"), '
                        'Entry("mae-vit"')  # fmt: skip
    install(tmp_path, "aaa-first", text)
    before = {
        (one["kind"], one["name"], one["package"]) for one in listed(tmp_path / "none")["plugins"]
    }
    found = listed(tmp_path)
    after = {(one["kind"], one["name"], one["package"]) for one in found["plugins"]}
    assert after - before == {
        ("encoder", "guest", "aaa-first"), ("encoder", "aaa-first/mae-vit", "aaa-first")
    }  # fmt: skip
    assert before <= after
    (broken,) = found["broken"]
    assert broken["name"] == "mae-vit"
    assert broken["package"] == "aaa-first"
    assert broken["error"] == (
        "encoder 'mae-vit' is registered already by lensbench; this one is aaa-first/mae-vit"
    )


def test_what_is_printed_at_import_stays_out_of_the_result(tmp_path):
    """By Python, by another process and below Python: stdout carries the result alone."""
    loud = "import os\nprint('one')\nos.system('echo two')\nos.write(1, b'three\\n')\n"
    install(tmp_path, "loud-guest", loud + HEAD)
    done = call(tmp_path, "--json")
    assert json.loads(done.stdout)["broken"] == []
    assert {"one", "two", "three"} <= set(done.stderr.split())


def test_a_slow_import_is_named_after_two_seconds(tmp_path):
    """Who waits learns for whom, and how to go without."""
    install(tmp_path, "slow-guest", "import time\ntime.sleep(3)\n" + HEAD)
    done = call(tmp_path)
    assert "still importing plugins of package 'slow-guest'" in done.stderr
    assert "LENSBENCH_DISABLE_PLUGINS=slow-guest" in done.stderr
    assert "guest" in done.stdout


@pytest.mark.parametrize("name", ["slow-guest", "slow_guest", "nobody, slow-guest"])
def test_a_plugin_can_be_left_out(tmp_path, name):
    """By the name of its package or of its entry point; it is not imported."""
    install(tmp_path, "slow-guest", "raise ValueError('imported')\n")
    found = listed(tmp_path, LENSBENCH_DISABLE_PLUGINS=name)
    assert found["broken"] == []
    assert len(listed(tmp_path)["broken"]) == 1


def test_a_module_that_goes_wrong_when_it_is_used_is_blamed(tmp_path):
    """Registration was fine; using the plugin names package, path and error in one line."""
    install(tmp_path, "late-guest", HEAD.replace("{module}:Guest", "late_inside:Guest"))
    (tmp_path / "late_inside.py").write_text("print('noise')\nraise ValueError('no chip')\n")
    done = call(tmp_path, "guest", "--json", command=(*LIST[:-1], "show"))
    assert done.returncode == 1
    assert "package late-guest cannot be imported from 'late_inside:Guest'" in done.stderr
    assert "no chip" in done.stderr
    assert "noise" not in done.stdout
