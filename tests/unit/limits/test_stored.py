"""Limits in a store."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from lensbench.errors import UsageError
from lensbench.limits import stored
from lensbench.limits.bounds import Limit
from lensbench.limits.classes import ClassLimit, known_signal_auroc
from lensbench.limits.places import PlaceLimit
from lensbench.limits.stored import (
    ensure_class_limits,
    ensure_limits,
    known_class_limits,
    known_limits,
    known_signal_error,
)
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.study.cell import View

CATALOGUE = load_catalogue()
LENSES = "lenses:population=pedagogical"


def test_limits_are_made_once_and_found_by_tables(tmp_path, monkeypatch):
    """What was made is read again, of this dataset, condition and draw alone."""
    made = [
        Limit("theta_E", "arcsec", 0.002, 0.0015, 0.0005, 0.0003, 24),
        Limit("lens_e1", "", 0.007, 0.006, 0.001, math.nan, 24),
    ]
    calls = []
    monkeypatch.setattr(stored, "limits", lambda *_: calls.append(1) or made)
    store = open_store(tmp_path)
    for _ in range(2):
        found = ensure_limits(store, CATALOGUE, View(LENSES, "euclid-vis"))
        assert str(found) == str(made)
    assert len(calls) == 1
    known = known_limits(store, CATALOGUE, LENSES, ["euclid-vis", "hst-acs"])
    assert {c: str(computed) for c, computed in known.items()} == {"euclid-vis": str(made)}
    assert known_limits(store, CATALOGUE, LENSES, ["euclid-vis"], seed=1) == {}
    spelled = f"{LENSES},lens_light=no"
    assert list(known_limits(store, CATALOGUE, spelled, ["euclid-vis"])) == ["euclid-vis"]


def test_limits_of_classes_are_made_once_and_found_by_tables(tmp_path, monkeypatch):
    """As metrics of the task under each condition, of whatever population draws scenes."""
    known = [
        ClassLimit("no_sub", "cdm", (9.0, 12.0)),
        ClassLimit("no_sub", "vortex", (0.9, 0.9)),
        ClassLimit("cdm", "vortex", (8.0, 9.0)),
    ]
    made = [PlaceLimit(one.first, one.second, one.detectability, 0.5, 0.6) for one in known]
    made[0] = replace(made[0], turned=1.0)
    calls = []
    monkeypatch.setattr(stored, "drawn_scenes", lambda *_: [])
    monkeypatch.setattr(stored, "class_limits", lambda *_: calls.append(1) or known)
    monkeypatch.setattr(stored, "place_limits", lambda *given: calls.append(given[1]) or made)
    store, dataset = open_store(tmp_path), "lenses:population=survey"
    for _ in range(2):
        assert ensure_class_limits(store, CATALOGUE, "anomaly", View(dataset, "hsc-i")) == made
    assert calls == [1, known]
    conditions = ["hsc-i", "hst-acs"]
    for spelled in (dataset, "lenses"):  # as tables do
        known = known_class_limits(store, CATALOGUE, "anomaly", spelled, conditions)
        assert known == pytest.approx(
            {("auroc", "hsc-i"): 0.75, ("auroc_cdm", "hsc-i"): 1.0, ("auroc_vortex", "hsc-i"): 0.5}
        )
    assert known_class_limits(store, CATALOGUE, "anomaly", dataset, conditions, seed=1) == {}


def test_the_command_prints_both_bounds_and_the_matched_filter(lensbench, tmp_path, monkeypatch):
    """A pair a row; what does not apply is a dash, and the bound of the task ends the last row."""
    known = [ClassLimit("no_sub", "cdm", (1.0, 1.0)), ClassLimit("no_sub", "vortex", (0.0, 0.0))]
    made = [
        PlaceLimit(**asdict(known[0]), turned=0.7, one_mass=0.6),
        PlaceLimit(**asdict(known[1])),
    ]
    monkeypatch.setattr(stored, "drawn_scenes", lambda *_: [])
    monkeypatch.setattr(stored, "class_limits", lambda *_: known)
    monkeypatch.setattr(stored, "place_limits", lambda *_: made)
    shown = lensbench("limits", "--task", "anomaly", "--dataset", LENSES, "--store", tmp_path)
    assert shown.code == 0, shown.err
    rows = [line.split() for line in shown.out.splitlines() if line.startswith("euclid-vis")]
    assert rows[0][-5:] == ["0.760", "±", "0.000", "0.700", "0.600"]
    assert rows[1][-6:] == ["0.500", "±", "0.000", "–", "–", "0.600"]


def test_tables_show_the_bound_of_a_known_signal_until_there_is_a_tighter_one(
    tmp_path, monkeypatch
):
    """The limits of a store that an older version made stay in tables."""
    known = [ClassLimit("no_sub", "cdm", (9.0,))]
    monkeypatch.setattr(stored, "drawn_scenes", lambda *_: [])
    monkeypatch.setattr(stored, "class_limits", lambda *_: known)
    monkeypatch.setattr(stored, "place_limits", lambda *_: 1 / 0)
    store, about = open_store(tmp_path), (CATALOGUE, "anomaly")
    with pytest.raises(ZeroDivisionError):
        ensure_class_limits(store, *about, View(LENSES, "hsc-i"))
    found = known_class_limits(store, *about, LENSES, ["hsc-i"])
    assert found["auroc", "hsc-i"] == pytest.approx(1.0)
    made = [PlaceLimit("no_sub", "cdm", (9.0,), 0.7)]
    monkeypatch.setattr(stored, "place_limits", lambda *_: made)
    ensure_class_limits(store, *about, View(LENSES, "hsc-i"))
    assert known_class_limits(store, *about, LENSES, ["hsc-i"])["auroc", "hsc-i"] == 0.7


def test_the_error_of_a_bound_is_its_scatter_over_samples_of_scenes():
    """The jackknife against drawn samples; scenes that are alike have none."""
    random = np.random.default_rng(0)
    samples = random.exponential(1.0, (400, 24))
    scatter = np.std([known_signal_auroc(one) for one in samples])
    stated = np.mean([known_signal_error(one) for one in samples])
    assert stated == pytest.approx(scatter, rel=0.15)
    assert known_signal_error([2.0] * 24) == pytest.approx(0, abs=1e-12)


def test_finding_has_no_limit_of_classes(tmp_path):
    """A galaxy that is no lens is another scene, and not the lens with something taken away."""
    with pytest.raises(UsageError, match="task 'finding' has no limit"):
        ensure_class_limits(open_store(tmp_path), CATALOGUE, "finding", View(LENSES, "euclid-vis"))


def test_images_on_disk_have_no_limits(tmp_path):
    """Nothing is known of how they were drawn, so no table has limits of them either."""
    for name in ("lens", "other"):
        (tmp_path / name).mkdir()
        for i in range(4):
            np.save(
                tmp_path / name / f"{i}.npy", np.arange(256, dtype=np.float32).reshape(16, 16) + i
            )
    dataset, store = f"stored:path={tmp_path}", open_store(tmp_path / "store")
    view = View(dataset, "as-stored")
    for refused in (ensure_limits, lambda *args: ensure_class_limits(*args[:2], "anomaly", view)):
        with pytest.raises(UsageError, match="draws no scenes, so it has no limits"):
            refused(store, CATALOGUE, view)
    assert known_limits(store, CATALOGUE, dataset, ["as-stored"]) == {}


def test_every_population_of_lenses_has_a_local_reference(lensbench, tmp_path, monkeypatch):
    """Of its lenses without substructure, which tables find; without a van Trees bound, and why."""
    made, classes = [Limit("theta_E", "arcsec", 0.02, 0.01, 0.005, math.nan, 24)], []
    monkeypatch.setattr(stored, "limits", lambda *given: classes.append(given[3].only) or made)
    for population, only in (("survey", "no_sub"), ("look-alikes", "lens")):
        dataset = f"lenses:population={population}"
        shown = lensbench(
            "limits", "--dataset", dataset, "--targets", "theta_E", "--store", tmp_path
        )
        assert shown.code == 0, shown.err
        assert f"Errors on {dataset}, {only} alone" in shown.out
        row = next(line.split() for line in shown.out.splitlines() if "theta_E" in line)
        assert row[2:] == ["0.02", "±", "0.005", "0.01", "–", "arcsec", "24"]
        assert "No van Trees bound: parameters are not independent" in " ".join(shown.out.split())
        found = known_limits(open_store(tmp_path), CATALOGUE, dataset, ["euclid-vis"])
        assert str(found["euclid-vis"]) == str(made)
    assert classes == ["no_sub", "lens"]


def test_limits_are_those_of_one_band(tmp_path):
    """A condition of several bands is refused, and one of them is named."""
    view = View("lenses:population=pedagogical", "rubin-gri")
    for refused in (ensure_limits, lambda *args: ensure_class_limits(*args[:2], "anomaly", view)):
        with pytest.raises(UsageError, match="one band, and 'rubin-gri' has 3") as caught:
            refused(open_store(tmp_path), CATALOGUE, view)
        assert caught.value.hint.endswith("rubin-r")
