"""Artefacts: each as strong as its severity says, fixed by scene, condition and seed."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from lensbench.sky import artefacts
from lensbench.sky.artefacts import SEVERITIES, Severity, draw_artefacts
from lensbench.sky.grades import artefacts_grade
from lensbench.sky.observation import add_noise
from lensbench.sky.space import EUCLID_VIS

NONE = Severity(0, 0, 0, 0, 0, 0)
SHAPE = (1, 64, 64)


def only(monkeypatch: pytest.MonkeyPatch, **amount: float) -> None:
    """Lets severity 1 be one artefact alone."""
    monkeypatch.setitem(artefacts.SEVERITIES, 1, replace(NONE, **amount))


def draws(count: int) -> list[artefacts.Artefacts]:
    condition = artefacts_grade(1)
    return [draw_artefacts(condition, SHAPE, np.random.default_rng(i)) for i in range(count)]


def test_severities_grow():
    """No artefact is rarer or weaker at a higher severity, and all are there at the last."""
    for field in fields(Severity):
        amounts = [getattr(SEVERITIES[level], field.name) for level in range(1, 6)]
        assert amounts == sorted(amounts)
        assert amounts[-1] > amounts[0]


def test_damage_grows():
    """With every grade more pixels are off by more than five times the noise."""
    ids = tuple(str(i) for i in range(60))
    empty = torch.zeros(len(ids), *SHAPE)
    images = [add_noise(empty, artefacts_grade(grade), ids, 0) for grade in range(1, 6)]
    damage = [float((image.abs() > 5).double().mean()) for image in images]
    assert damage == sorted(set(damage))
    assert damage[0] > 1e-4


def test_same_again():
    """A scene's artefacts are the same in any batch, and others for another scene or seed."""
    condition = artefacts_grade(5)
    empty = torch.zeros(3, *SHAPE)
    together = add_noise(empty, condition, ("a", "b", "c"), 0)
    assert torch.equal(add_noise(empty[:1], condition, ("c",), 0), together[2:])
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(add_noise(empty[:1], condition, ("a",), 1), together[:1])


def test_cosmic_rays(monkeypatch):
    """Cosmic rays come as often as said and leave about the charge of their tracks."""
    only(monkeypatch, cosmic_rays=6.0)
    charges = [one.charge for one in draws(200)]
    assert min(charge.min() for charge in charges) == 0
    mean_track = (artefacts._TRACK_LENGTH + 1.5) * artefacts._CHARGE_PER_PIXEL * np.exp(0.125)
    total = np.mean([charge.sum() for charge in charges])
    assert total == pytest.approx(6.0 * mean_track, rel=0.15)


def test_hot_pixels(monkeypatch):
    """Hot pixels are the share said, and hotter than the noise."""
    only(monkeypatch, hot_pixels=0.01)
    light = np.stack([one.photons for one in draws(100)])
    assert np.mean(light > 0) == pytest.approx(0.01, rel=0.1)
    median = np.median(light[light > 0]) / EUCLID_VIS.sigma_electrons
    assert median == pytest.approx(20, rel=0.15)


def test_bad_columns(monkeypatch):
    """A bad column reads nothing from some row to the edge."""
    only(monkeypatch, bad_columns=1.0)
    dead = np.concatenate([one.dead for one in draws(100)])
    assert np.mean(dead.any(1)) == pytest.approx(1 / 64, rel=0.3)
    assert (np.diff(dead.astype(int), axis=1) >= 0).all()
    recorded = np.full(SHAPE, 7.0)
    one = draws(100)[int(dead.any((1, 2)).argmax())]
    assert set(np.unique(one.spoil(recorded, 3.0))) == {0.0, 7.0}


def test_trails(monkeypatch):
    """Trails come with the chance said, straight and as wide as the PSF."""
    only(monkeypatch, trail=0.4)
    light = np.concatenate([one.photons for one in draws(300)])
    seen = light.max((1, 2)) > 0
    assert seen.mean() == pytest.approx(0.4, abs=0.09)
    trail = light[seen.argmax()] / light[seen.argmax()].max()
    y, x = np.nonzero(trail > 0.5)
    spread = np.linalg.eigvalsh(np.cov(np.stack([x, y])))
    assert spread[0] < 1
    assert spread[1] > 30


def test_gradient(monkeypatch):
    """A gradient is a plane with no mean, as steep as the share of the sky said."""
    only(monkeypatch, gradient=0.1)
    for one in draws(5):
        assert one.photons.mean() == pytest.approx(0, abs=1e-9)
        steps = [np.diff(one.photons[0], axis=axis) for axis in (0, 1)]
        assert max(np.ptp(step) for step in steps) < 1e-9
        slope = np.hypot(*(step.mean() for step in steps)) * 63 / 2
        assert slope == pytest.approx(0.1 * EUCLID_VIS.sky_electrons)


def test_masked_border(monkeypatch):
    """A masked border is exactly the empty sky, along one side."""
    only(monkeypatch, border=0.125)
    bright = torch.full((40, *SHAPE), 10.0)
    ids = tuple(str(i) for i in range(40))
    images = add_noise(bright, artefacts_grade(1), ids, 0)[:, 0]
    assert ((images == 0).sum((1, 2)) == 8 * 64).all()
    sides = {int((image[:4] == 0).all()) + 2 * int((image[:, :4] == 0).all()) for image in images}
    assert len(sides) == 3
