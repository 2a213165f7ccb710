"""A change of a file changes the keys of what depends on it, and no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lensbench
import lensbench_reference

FITS = [
    ("fits", "task/superres", "baseline/wiener"),
    ("fits", "task/superres", "baseline/richardson-lucy"),
    ("fits", "task/morphology", "baseline/spectrum-logreg"),
    ("fits", "task/morphology", "encoder/mae-vit", "transfer/linear"),
    ("fits", "task/regression", "encoder/resnet18", "transfer/finetune"),
]
OTHERS = [
    ("images", "dataset/lenses"),
    ("images", "dataset/stored"),
    ("weights", "encoder/mae-vit", "pretraining/mae"),
    ("weights", "encoder/resnet18", "pretraining/simclr"),
    ("features", "encoder/mae-vit"),
    ("predictions",),
    ("records", "task/morphology"),
    ("records", "task/superres"),
]
ASKED = [*FITS, *OTHERS]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of all source, in which files can be changed."""
    root = tmp_path_factory.mktemp("source")
    for package in (lensbench, lensbench_reference):
        folder = Path(str(package.__file__)).parent
        ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.csv", "*.html", "*.js")
        shutil.copytree(folder, root / folder.name, ignore=ignored)
    return root


@pytest.fixture(scope="module")
def answers(source):
    """What the script beside this one says of changes of the copy."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("changing.py")), str(source)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(source)},
    ) as process:  # fmt: skip

        def ask(changes: Any) -> dict[str, Any]:
            print(json.dumps({"asked": ASKED, "changes": changes}), file=process.stdin, flush=True)
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

        yield ask
        process.stdin.close()
        assert process.wait() == 0


@pytest.fixture
def changed_by(answers):
    """What each change gives another key."""

    def ask(*changes: dict[str, str]) -> list[set[tuple[str, ...]]]:
        return [{ASKED[number] for number in one} for one in answers(changes)["changed"]]

    return ask


def test_words_are_in_no_key(source, changed_by):
    """Neither comments nor docstrings, in whatever file."""
    files = [str(file.relative_to(source)) for file in source.rglob("*.py")]
    words = '\n# A comment.\n\n"""And what would be a docstring."""\n'
    assert len(files) > 300
    assert changed_by(dict.fromkeys(files, words)) == [set()]


def test_a_new_instrument_is_in_no_key(changed_by):
    """What a condition says stands in the key itself."""
    words = "\nANOTHER = Condition('another', 0.1, 0.2, 25.0, 22.0, 500.0, 1, 4.0)\n"
    files = ["lensbench/sky/ground.py", "lensbench/sky/space.py"]
    assert changed_by(dict.fromkeys(files, words)) == [set()]


def test_what_executes_and_shows_is_in_no_key(source, changed_by):
    """How cells are shared among workers, printed, and verified."""
    folders = ("execution", "cli", "leaderboard", "verification", "scaffold", "limits")
    files = [file for one in folders for file in (source / "lensbench" / one).rglob("*.py")]
    change = dict.fromkeys([str(file.relative_to(source)) for file in files], "\n_new = 1\n")
    assert len(change) > 100
    assert changed_by(change) == [set()]


def test_a_changed_baseline_is_in_its_own_key(changed_by):
    """A new line in the Wiener filter discards the fits of the Wiener filter."""
    file = "lensbench_reference/baselines/wiener.py"
    assert changed_by({file: "\n_new = 1\n"}) == [{FITS[0]}]


@pytest.mark.slow
def test_a_changed_line_changes_what_depends_on_it_and_no_other(answers):
    """For each file that any of the closures reaches."""
    answer = answers("each")
    modules = [set(one) for one in answer["modules"]]
    every = sorted(set().union(*modules))
    assert len(every) == len(answer["changed"]) > 100
    for module, changed in zip(every, answer["changed"], strict=True):
        assert changed == [n for n, one in enumerate(modules) if module in one], module
    resnet, vit = "lensbench_reference.encoders.resnet", "lensbench_reference.encoders.vit"
    reached = [{module for module in one if module in (resnet, vit)} for one in modules]
    assert reached[ASKED.index(("weights", "encoder/resnet18", "pretraining/simclr"))] == {resnet}
    assert reached[ASKED.index(("weights", "encoder/mae-vit", "pretraining/mae"))] == {vit}
