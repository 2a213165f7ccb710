"""The notebook does what it says: run from an empty folder, it prints what it was kept with."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import ROOT, Command
from tests.docs.parsing import check_words

NOTEBOOK = ROOT / "docs" / "how-to" / "fine-tune.ipynb"

nbformat = pytest.importorskip("nbformat", reason="no nbformat: pip install 'lensbench[test]'")
nbclient = pytest.importorskip("nbclient", reason="no nbclient: pip install 'lensbench[test]'")
pytest.importorskip("ipykernel", reason="no ipykernel: pip install 'lensbench[test]'")


def printed(notebook: Any) -> list[str]:
    """What each cell of code prints."""
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(one.get("text", "") for one in cell) for cell in outputs]


def words_of(text: str) -> list[str]:
    """Words without numbers, of which some are the machine's."""
    return re.findall(r"[^\W\d_]{2,}", text)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's sockets
def test_the_notebook_does_what_it_says(tmp_path, monkeypatch):
    """Every cell ends well and prints the words it was kept with; what was learned helps."""
    commands = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'harness'}{os.pathsep}{ROOT / 'plugins'}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    kept = nbformat.read(NOTEBOOK, 4)
    notebook = nbformat.read(NOTEBOOK, 4)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, resources=where).execute()
    told, before = printed(notebook), printed(kept)
    assert [words_of(text) for text in told] == [words_of(text) for text in before]
    pictures = [o for cell in notebook.cells for o in cell.get("outputs", ()) if "data" in o]
    assert sum("image/png" in picture["data"] for picture in pictures) == 3
    text = "\n".join(told)
    learned, chance, mean = (float(value) for value in re.findall(r"([\d.]+)″", text))
    assert learned < 0.8 * chance and chance < 0.8 * mean
    restored, enlarged = re.findall(r"pixels: ([\d.]+)\nenlarged only: ([\d.]+)", text)[0]
    assert float(restored) < 0.95 * float(enlarged)


def test_the_commands_of_the_notebook_are_those_that_lensbench_takes(catalogue):
    """One for each task in the text, and those that cells call."""
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells)
    source = source.replace("\\\n", " ").replace("{one}", "0-train-0")
    for command in re.findall(r"^!?(lensbench .*)$", source, re.MULTILINE):
        check_words(Command(command).words, catalogue)
    assert len(set(re.findall(r"--task (\w+)", source))) == 5
