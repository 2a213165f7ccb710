"""Measurements of single images: made once, read by all, the same to the bit."""

from dataclasses import replace

import pytest
import torch

from lensbench import Measurements
from lensbench.cells import measurements as stored
from lensbench.cells.answers import blind
from lensbench.cells.computation import Computation, Workplace
from lensbench.cells.measurements import KIND, ImageSet, StoredMeasurements
from lensbench.cells.resolved import Resolver
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.store.care import unneeded
from lensbench.store.predictions import read_predictions
from lensbench.study.cell import Cell, Entrant, View
from lensbench.study.describe import Numerics
from lensbench.testing import made_samples
from lensbench_reference.lens_fitting import lens_images

CALLS = []


def brightness(samples, factor, measurements):
    """Depends on what is measured beside an image, as last bits do."""
    assert not samples.targets
    CALLS.append(len(samples))
    total = samples.images.sum((1, 2, 3))
    return {"sum": factor * total, "beside": total - total.mean()}


def twice(samples, factor, measurements):
    """Builds on another measurement."""
    return {"sum": 2 * measurements.of(samples, brightness, factor)["sum"]}


@pytest.fixture
def samples(monkeypatch):
    monkeypatch.setattr(stored, "BLOCK", 4)
    CALLS.clear()
    return made_samples(count=10)


def measurer(folder, samples, stands=True, numerics=None):
    sets = [ImageSet("these", lambda: samples)]
    return StoredMeasurements(
        open_store(folder), numerics or Numerics(), sets, lambda *_: None, lambda: stands
    )


def test_more_images_cost_only_the_blocks_that_are_new(tmp_path, samples):
    """Whoever asks, in whatever order and under whatever names: the same bits."""
    first = measurer(tmp_path, samples).of(samples.first(3), brightness, 1.5)
    assert CALLS == [4]
    order = torch.tensor([9, 0, 5, 2])
    some = measurer(tmp_path, samples).of(blind(samples, order), brightness, 1.5)
    assert CALLS == [4, 4, 2]
    assert torch.equal(some["sum"][[1, 3]], first["sum"][[0, 2]])
    assert torch.equal(some["beside"][[1, 3]], first["beside"][[0, 2]])
    whole = measurer(tmp_path / "new", samples).of(samples, brightness, 1.5)
    assert torch.equal(whole["sum"], 1.5 * samples.images.sum((1, 2, 3)))
    assert torch.equal(whole["beside"][order], some["beside"])


def test_tables_differ_by_options_numerics_and_function(tmp_path, samples):
    """Each has a key of its own."""
    one = samples.first(1)
    for _ in range(2):
        doubled = measurer(tmp_path, samples).of(one, twice, 3.0)["sum"]
        plain = measurer(tmp_path, samples).of(one, brightness, 1.0)["sum"]
        measurer(tmp_path, samples, numerics=Numerics(threads=2)).of(one, brightness, 1.0)
    assert torch.equal(doubled, 6 * plain)
    assert CALLS == [4, 4, 4]
    assert len(open_store(tmp_path).keys(KIND)) == 4


def test_images_of_no_set_are_measured_and_not_stored(tmp_path, samples):
    """Those that were changed, and all where the code was changed meanwhile."""
    changed = replace(samples, images=samples.images + 1)
    expected = Measurements().of(blind(changed), brightness, 1.0)
    assert torch.equal(
        measurer(tmp_path, samples).of(changed, brightness, 1.0)["sum"], expected["sum"]
    )
    measurer(tmp_path, samples, stands=False).of(samples, brightness, 1.0)
    assert open_store(tmp_path).keys(KIND) == []


def test_what_was_read_counts_with_the_time_that_it_took(tmp_path, samples):
    """Once a table, and nothing for those that were made here."""
    maker = measurer(tmp_path, samples)
    maker.of(samples, twice, 1.0)
    assert maker.seconds_saved == 0
    reader = measurer(tmp_path, samples)
    for _ in range(2):
        reader.of(samples, twice, 1.0)
    store = open_store(tmp_path)
    described = [store.describe(KIND, key) for key in store.keys(KIND)]
    of_twice = [one["cost"]["seconds"] for one in described if "twice" in one["from"]["measure"]]
    assert len(of_twice) == 3
    assert reader.seconds_saved == pytest.approx(sum(of_twice))


def a_cell(task, labels, test_condition="euclid-vis"):
    lenses = "lenses:population=pedagogical"
    return Cell(
        Entrant(baseline="lens-model:starts=1,oversampling=1"),
        task,
        View(lenses, "euclid-vis"),
        (View(lenses, test_condition),),
        labels=labels,
        budget="smoke:train_scenes=8,validation_scenes=2,test_scenes=6,resamples=10",
    )


def compute(folder, cell):
    """Makes a cell's records; returns its predictions and how many lenses were fitted."""
    store = open_store(folder)
    resolved = Resolver(load_catalogue()).resolve(cell)
    before = len(FITTED)
    Computation(resolved, Workplace(store, Numerics(), lambda *_: None)).records()
    [key] = resolved.predictions
    return read_predictions(store.find("predictions", key))[1], sum(FITTED[before:])


FITTED = []


def test_cells_share_the_fits_of_lenses(tmp_path, monkeypatch):
    """Another number of labels, another task: new images alone are fitted, and no bit differs."""
    fit = lens_images.fit_lenses

    def counting(images, *rest):
        FITTED.append(len(images))
        return fit(images, *rest)

    monkeypatch.setattr(lens_images, "fit_lenses", counting)
    monkeypatch.setattr(stored, "BLOCK", 4)
    few, count = compute(tmp_path / "shared", a_cell("morphology", 4))
    assert count == 4 + 6
    many, count = compute(tmp_path / "shared", a_cell("morphology", 8))
    assert count == 4
    scores, count = compute(tmp_path / "shared", a_cell("anomaly", None))
    assert count == 0
    assert unneeded(open_store(tmp_path / "shared")) == []
    alone, count = compute(tmp_path / "alone", a_cell("morphology", 8))
    assert count == 8 + 6
    assert (many["probability"] == alone["probability"]).all()
    assert (many["probability"] != few["probability"]).any()
    assert len(scores["score"]) == 6
