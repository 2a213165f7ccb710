"""A package is checked where it lies, installed or not."""

import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lensbench.cli.plugin.check import command
from lensbench.errors import UsageError
from lensbench.registry import load_catalogue
from lensbench.scaffold import new_project
from lensbench.testing import check_package

EXAMPLE = Path(__file__).parents[3] / "plugins" / "example-plugin"


@pytest.fixture
def project(tmp_path):
    """What `lensbench plugin new` writes; nothing is installed."""
    yield new_project("made-radius", "task", tmp_path, load_catalogue()).folder
    for module in [name for name in sys.modules if name.partition(".")[0] == "made_radius"]:
        del sys.modules[module]


def test_a_package_that_is_not_installed_is_checked(project, monkeypatch):
    """Every check runs, those of metadata and of a cheap import included."""
    monkeypatch.chdir(project.parent)
    before = list(sys.path)
    checks = ("registration", "metadata", "licence", "options", "attributes", "contract")
    for path in (f"./{project.name}", f"{project.name}/"):
        findings = check_package(path)
        ended = {one.check: one.state for one in findings}
        assert ended == dict.fromkeys((*checks, "global state"), "passed"), findings
    assert sys.path == before


def test_a_fault_in_the_folder_is_found(project):
    """The kit looks at the files in the folder."""
    source = project / "src" / "made_radius" / "task.py"
    source.write_text(source.read_text().replace("needs_maps", "need_maps"))
    done = CliRunner().invoke(command, [str(project)])
    assert done.exit_code == 1
    assert "'need_maps', which nothing reads" in done.output
    assert "did you mean 'needs_maps'?" in done.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no pyproject.toml"),
        ("[project]\nname = 'x'\n", "names no plugins: 'entry-points'"),
        ("[project", "names no plugins"),
        ("[project]\nname = 7\n[project.entry-points.lensbench]\na = 'b'\n", "wrong type"),
    ],
)
def test_a_folder_without_plugins_is_a_mistake_in_the_call(tmp_path, text, message):
    """One line says what is missing."""
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        check_package(str(tmp_path))


def test_the_files_of_the_folder_are_read(tmp_path):
    """What is about to be released is checked, and not what was installed before."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "x")
    hooks = folder / "src" / "example_plugin" / "hooks.py"
    hooks.write_text(hooks.read_text().replace('licence="MIT"', 'licence="???"', 1))
    findings = check_package(str(folder))
    failed = [(one.plugin, one.check) for one in findings if one.state == "failed"]
    assert failed == [("encoder/polar", "licence")]
