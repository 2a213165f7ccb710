"""The studies of this checkout can be computed."""

import json
from pathlib import Path

import pytest

STUDIES = sorted((Path(__file__).resolve().parents[2] / "studies").glob("*.toml"))
OF_OWN_WEIGHTS = {"recipe-mix", "recipe-objective", "recipe-paired", "scaling"}
"""Of weights that are pretrained first, as the head of the file says."""


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_it_is_planned(lensbench, tmp_path, path, monkeypatch):
    """Every name and option in it is known, and there are cells to compute."""
    monkeypatch.chdir(tmp_path)
    planned = lensbench("plan", path, "--store", tmp_path / "store", "--json")
    if path.stem in OF_OWN_WEIGHTS:
        assert planned.code == 2
        assert planned.err.startswith("error: weights ")
        assert "lensbench pretrain" in path.read_text()
        return
    assert planned.code == 0, planned.err
    told = json.loads(planned.out)
    assert told["jobs"]["cells"] == told["cells"] > 0
