"""Projects of new plugins."""

import subprocess
import sys

import pytest

from lensbench.errors import UsageError
from lensbench.scaffold import PLUGIN_KINDS, new_project


@pytest.mark.parametrize("name", ["x", "my-very-long-name-for-a-plugin-3"])
def test_projects_of_every_kind_lint_clean(tmp_path, catalogue, name):
    """ruff finds nothing to say, whatever the length of the name."""
    for kind in PLUGIN_KINDS:
        new_project(name, kind, tmp_path / kind, catalogue)
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "."],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", PLUGIN_KINDS)
def test_a_project_has_what_a_package_needs(tmp_path, catalogue, kind):
    """No placeholder is left, and the entry point leads to the hooks."""
    project = new_project("my-plugin", kind, tmp_path, catalogue)
    texts = {file: (project.folder / file).read_text() for file in project.files}
    assert {"README.md", "LICENSE", "CITATION.cff", ".github/workflows/ci.yml"} <= set(texts)
    assert not [file for file, text in texts.items() if "%" in text]
    assert 'my_plugin = "my_plugin.hooks"' in texts["pyproject.toml"]
    assert f"my_plugin.{kind}:MyPlugin" in texts["src/my_plugin/hooks.py"]


@pytest.mark.parametrize(
    "name", ["", "My-Plugin", "1st", "a_b", "a--b", "class", "json", "torch", "mae-vit", "a" * 33]
)
def test_names_that_cannot_be_are_refused(tmp_path, catalogue, name):
    """No package name, a word of Python, an installed module or plugin: nothing is written."""
    with pytest.raises(UsageError) as caught:
        new_project(name, "encoder", tmp_path, catalogue)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_is_left_alone(tmp_path, catalogue):
    """Nothing of somebody's work is written over."""
    (tmp_path / "my-plugin").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        new_project("my-plugin", "task", tmp_path, catalogue)


def test_mistakes_are_one_line(lensbench, tmp_path):
    """An unknown kind, or a wrong name, exits with 2."""
    for words in (["x", "--kind", "model"], ["1st", "--kind", "task"]):
        result = lensbench("plugin", "new", *words, "--out", tmp_path)
        assert result.code == 2
        assert result.err.startswith("error: ")
