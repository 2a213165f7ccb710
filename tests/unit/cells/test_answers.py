"""What a predictor is shown when it answers."""

from dataclasses import replace

import numpy as np
import torch

from lensbench.cells.answers import answers
from lensbench.testing import made_samples


def test_answers_come_in_the_order_of_the_samples():
    """Whatever the order in which they were shown."""
    samples = made_samples(count=40, size=8)
    found = answers(lambda shown: {"sum": shown.images.sum((1, 2, 3))}, samples, seed=3)
    assert np.allclose(found["sum"], samples.images.sum((1, 2, 3)).numpy())


def test_so_many_are_shown_together_and_no_more(monkeypatch):
    """However many there are, answers come in their order, and memory holds a part of them."""
    monkeypatch.setattr("lensbench.cells.answers.AT_ONCE", 16)
    samples = made_samples(count=40, size=8)
    shown = []

    def predictor(part):
        shown.append(len(part))
        return {"sum": part.images.sum((1, 2, 3))}

    found = answers(predictor, samples, seed=3)
    assert shown == [16, 16, 8]
    assert np.allclose(found["sum"], samples.images.sum((1, 2, 3)).numpy())


def test_neither_names_nor_places_tell_a_class():
    """A cheat that reads classes drawn in turn from either is at chance."""
    samples = made_samples(count=300, size=8)
    turn = torch.arange(300) % 3
    samples = replace(samples, ids=tuple(f"0-test-{i}" for i in range(300)))

    def by_place(shown):
        assert not shown.targets
        return {"class": torch.arange(len(shown)) % 3}

    def by_name(shown):
        return {"class": torch.tensor([int(name.rpartition("-")[2]) % 3 for name in shown.ids])}

    for cheat in (by_place, by_name):
        right = (answers(cheat, samples, seed=1)["class"] == turn.numpy()).mean()
        assert 0.2 < right < 0.47  # a third, within four of its errors


def test_each_image_keeps_the_width_of_its_own_psf():
    """Under another name and in another place a predictor is told the width that made the image."""
    widths = torch.linspace(0.6, 0.9, 40, dtype=torch.float64)
    samples = replace(made_samples(count=40, size=8), psf_fwhm=widths)

    def predictor(shown):
        return {"width": torch.tensor([one.psf_fwhm for one in shown.conditions]).double()}

    told = answers(predictor, samples, seed=3)["width"]
    assert np.allclose(told, widths.numpy(), atol=1e-6)
