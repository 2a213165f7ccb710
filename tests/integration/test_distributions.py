"""The wheel and the sdist: what is in them, and whether they work where nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "lensbench": ROOT / "harness" / "lensbench",
    "lensbench_reference": ROOT / "plugins" / "lensbench_reference",
}


def contents(archive: Path) -> dict[str, bytes]:
    """Files of a wheel by name."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def tracked() -> dict[str, bytes]:
    """Every file of both packages, by its name in a wheel."""
    return {
        f"{name}/{path.relative_to(folder)}": path.read_bytes()
        for name, folder in SOURCES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_is_both_packages_and_nothing_else(wheel):
    """Code, types, templates, page and weights: every file, byte by byte; no tests."""
    found = contents(wheel)
    metadata = {name for name in found if name.startswith("lensbench-")}
    assert {name: found[name] for name in set(found) - metadata} == tracked()
    assert {Path(name).name for name in metadata} == {
        "METADATA", "WHEEL", "RECORD", "entry_points.txt", "LICENSE",
    }  # fmt: skip
    assert {"lensbench/py.typed", "lensbench_reference/py.typed"} <= set(found)


def test_no_path_of_a_machine_is_in_the_wheel(wheel):
    """Neither the folder in which it was built nor the home of who built it."""
    strange = [str(ROOT).encode(), str(Path.home()).encode() + b"/"]
    assert not [n for n, b in contents(wheel).items() if any(path in b for path in strange)]


def test_metadata(wheel):
    """Licence with its file, classifiers, extras, commands and entry points are declared."""
    found = contents(wheel)
    (name,) = [name for name in found if name.endswith("/METADATA")]
    metadata = message_from_string(found[name].decode())
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert "Typing :: Typed" in metadata.get_all("Classifier")
    assert {"hf", "timm", "ray", "s3"} <= set(metadata.get_all("Provides-Extra"))
    entries = found[name.replace("METADATA", "entry_points.txt")].decode()
    assert "lensbench = lensbench.cli:main" in entries
    assert "reference = lensbench_reference.hooks" in entries


def test_the_sdist_builds_the_same_wheel(sdist, wheel, tmp_path):
    """What is published as source is all that the wheel needs."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
         "--no-build-isolation", "--wheel-dir", str(tmp_path), str(sdist)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert contents(tmp_path / wheel.name) == contents(wheel)


def test_the_sdist_has_what_its_own_tests_need(sdist):
    """Tests, docs, studies and the example plugin, and none of what commands leave behind."""
    with tarfile.open(sdist) as opened:
        files = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {
        "Makefile", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md",
        "constraints.txt", "pyproject.toml", "tests/conftest.py", "studies/smoke.toml",
        "plugins/example-plugin/pyproject.toml", "docs/reference/public-api.txt",
    }  # fmt: skip
    assert wanted <= files
    left = ("__pycache__", ".pytest_cache", ".lensbench", ".venv", ".git/")
    assert not [name for name in files if any(word in name for word in left)]


def test_a_clean_environment_has_the_command_and_the_plugins(clean):
    """Help, version, list and doctor, in an environment whose lensbench is the wheel alone."""
    where = clean.call("python", "-c", "import lensbench; print(lensbench.__file__)")
    assert where.stdout.startswith(str(clean.site)), where.stderr
    assert "Commands:" in clean.call("lensbench", "--help").stdout
    listed = json.loads(clean.call("lensbench", "list", "--json").stdout)
    assert {"mae-vit", "superres", "lenses", "euclid-vis"} <= {p["name"] for p in listed["plugins"]}
    assert {plugin["package"] for plugin in listed["plugins"]} == {"lensbench"}
    assert not listed["broken"]
    doctor = clean.call("lensbench", "doctor")
    assert doctor.returncode == 0, doctor.stdout


def test_pip_finds_nothing_missing(clean):
    """The dependencies that the wheel declares are those of the tests, bounds included."""
    done = clean.call("python", "-m", "pip", "check")
    assert "lensbench" not in done.stdout, done.stdout


@pytest.mark.slow
def test_a_clean_environment_ranks(clean, tmp_path):
    """A first table, without checkout, PYTHONPATH or network."""
    done = clean.call(
        "lensbench", "run", "--baseline", "spectrum-logreg", "--task", "morphology",
        "--budget", "smoke", "--quiet", "--workers", "0", "--test-conditions", "euclid-vis",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "spectrum-logreg" in done.stdout
