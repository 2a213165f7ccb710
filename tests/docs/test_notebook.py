"""The notebooks run from an empty folder and print the words that they were kept with."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import ROOT, Command
from tests.docs.parsing import check_words

FINE_TUNE, TOUR = (ROOT / "docs" / name for name in ("how-to/fine-tune.ipynb", "tour.ipynb"))

nbformat = pytest.importorskip("nbformat", reason="no nbformat: pip install 'lensbench[test]'")
nbclient = pytest.importorskip("nbclient", reason="no nbclient: pip install 'lensbench[test]'")
pytest.importorskip("ipykernel", reason="no ipykernel: pip install 'lensbench[test]'")


def printed(notebook: Any) -> list[str]:
    """What each cell of code prints."""
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(one.get("text", "") for one in cell) for cell in outputs]


def words_of(text: str) -> list[str]:
    """Words alone: numbers may depend on the machine, and codes on the terminal."""
    return re.findall(r"[^\W\d_]{2,}", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", " ", text))


def pictures_of(notebook: Any) -> int:
    """How many pictures the notebook shows."""
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    return sum("image/png" in one.get("data", ()) for one in outputs)


def run(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a notebook prints in a folder; words and pictures have to be those it is kept with."""
    commands = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'harness'}{os.pathsep}{ROOT / 'plugins'}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    kept, notebook = nbformat.read(path, 4), nbformat.read(path, 4)
    where = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=600, startup_timeout=600, resources=where).execute()
    outputs, before = printed(notebook), printed(kept)
    assert [words_of(text) for text in outputs] == [words_of(text) for text in before]
    assert pictures_of(notebook) == pictures_of(kept) == 3
    return "\n".join(outputs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's sockets
def test_what_the_shipped_model_learned_helps_in_the_notebook(tmp_path, monkeypatch):
    """Its features are better than random ones, and its super-resolution than enlarging."""
    text = run(FINE_TUNE, tmp_path, monkeypatch)
    learned, chance, mean = (float(value) for value in re.findall(r"([\d.]+)″", text))
    assert learned < 0.8 * chance
    assert chance < 0.8 * mean
    restored, enlarged = re.findall(r"pixels: ([\d.]+)\nenlarged only: ([\d.]+)", text)[0]
    assert float(restored) < 0.95 * float(enlarged)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's sockets
def test_the_tour_fits_a_lens_about_as_well_as_its_limit_allows(tmp_path, monkeypatch):
    """The shallowest and most blurred images have the highest limit; features find lenses."""
    text = run(TOUR, tmp_path, monkeypatch)
    lines = re.findall(r"^(\S+) +[\d.]+″, off by ([\d.]+)″", text, re.MULTILINE)
    errors = {name: float(error) for name, error in lines}
    limits = {name: float(value) for name, value in re.findall(r"(\S+) +limit ([\d.]+)″", text)}
    assert set(errors) == set(limits) == {"hst-acs", "euclid-vis", "rubin-r", "des-r"}
    assert max(limits, key=limits.__getitem__) == "des-r"
    for name, error in errors.items():
        assert error < 5 * limits[name] + 1e-4, name
    again = [int(count) for count in re.findall(r"images of Hubble: (\d+)", text)]
    assert len(again) == 3
    assert min(again) > 5  # one of 60 by luck
    assert float(re.findall(r"candidates: ([\d.]+)", text)[0]) > 0.55


def test_the_commands_of_the_notebooks_are_those_that_lensbench_takes(catalogue):
    """Those in the text, one for each task, and those that cells call."""
    for path, tasks in ((FINE_TUNE, 5), (TOUR, 2)):
        source = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
        source = source.replace("\\\n", " ").replace("{one}", "0-train-0")
        for command in re.findall(r"^!?(lensbench .*)$", source, re.MULTILINE):
            check_words(Command(command).words, catalogue)
        assert len(set(re.findall(r"--task (\w+)", source))) == tasks
