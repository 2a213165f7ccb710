"""Which scenes a step takes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from lensbench import condition_of
from lensbench.pretraining.stream import IDS, IMAGES, Buffer, SharedFacts, Windows
from lensbench.store.arrays import write_arrays


def test_a_scene_is_taken_as_often_as_asked_on_average():
    """Over a long training, batches × size = scenes × uses."""
    windows = Windows(chunk=10, window=8, uses=5, batch_size=20)
    steps = 1000
    scenes = 10 * windows.at(steps).stop
    assert steps * 20 / scenes == pytest.approx(5, rel=0.05)


def test_the_window_moves_on_and_never_exceeds_its_size():
    """Chunks join one at a time, the oldest leave, and the first few suffice for a batch."""
    windows = Windows(chunk=4, window=6, uses=1, batch_size=10)
    seen = [windows.at(step) for step in range(30)]
    assert len(seen[0]) * 4 >= 10
    assert all(len(window) <= 6 for window in seen)
    assert all(b.stop >= a.stop and b.start >= a.start for a, b in pairwise(seen))
    assert seen[-1].start > seen[0].stop


@pytest.fixture
def buffer(tmp_path):
    """A buffer of chunks whose images say which scene and condition they are of."""
    names = ["euclid-vis", "hst-acs"]

    def fetch(number):
        path = tmp_path / f"{number}.h5"
        rows = 4 * number + np.arange(4)
        arrays = {IDS: np.array([f"s{row}" for row in rows], dtype="S64")}
        for place, name in enumerate(names):
            arrays[IMAGES + name] = np.full((4, 1, 8, 8), 100 * place, np.float32)
            arrays[IMAGES + name] += rows[:, None, None, None]
        write_arrays(path, arrays)
        return path

    known = SharedFacts({name: condition_of(name) for name in names}, {}, 1.0)
    return Buffer(Windows(4, 3, 2, 6), known, fetch)


def test_a_batch_is_of_one_condition_and_its_pair_of_the_other(buffer):
    """Both hold the same scenes, in the same order, none of them twice."""
    batch = buffer.batch(5, True, torch.Generator().manual_seed(1))
    assert batch.ids == batch.pair.ids
    assert len(set(batch.ids)) == 6
    numbers = torch.tensor([int(name[1:]) for name in batch.ids])
    sides = {s.condition.name: s.images[:, 0, 0, 0] - numbers for s in (batch, batch.pair)}
    assert set(sides) == {"euclid-vis", "hst-acs"}
    assert (sides["euclid-vis"] == 0).all() and (sides["hst-acs"] == 100).all()


def test_a_step_takes_the_same_scenes_wherever_one_begins(buffer, tmp_path):
    """The batch of a step follows from its number and the generator, not from the steps before."""
    for step in range(8):
        buffer.batch(step, False, torch.Generator().manual_seed(step))
    before = buffer.batch(8, False, torch.Generator().manual_seed(8))
    known = buffer._known
    afresh = Buffer(Windows(4, 3, 2, 6), known, lambda number: tmp_path / f"{number}.h5")
    again = afresh.batch(8, False, torch.Generator().manual_seed(8))
    assert before.ids == again.ids and torch.equal(before.images, again.images)
