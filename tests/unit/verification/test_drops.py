"""The drop from public to fresh scenes: its error rate, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from lensbench import Condition, Metric, Samples, Target
from lensbench.verification.drops import drop_test
from lensbench.verification.fresh import Pair, measured_drop, significant

CLASSES, PIXELS, SCENES, LEVEL = 3, 64, 48, 0.05
CONDITION = Condition("toy", 0.1, 0.2, 25.0, 22.0, 100.0, 1, 4.0)


def drawn(chance: np.random.Generator, count: int) -> Samples:
    """Scenes of three classes in turn, each a faint pattern of its own under noise."""
    patterns = np.random.default_rng(0).normal(size=(CLASSES, PIXELS)) * 0.15
    labels = np.arange(count) % CLASSES
    pixels = patterns[labels] + chance.normal(size=(count, PIXELS))
    return Samples(
        ids=tuple(map(str, range(count))),
        images=torch.from_numpy(pixels.reshape(count, 1, 8, 8).astype(np.float32)),
        targets={"kind": torch.from_numpy(labels)},
        info={"kind": Target("class", classes=("a", "b", "c"))},
        condition=CONDITION,
        data_range=1.0,
    )


def fitted(samples: Samples) -> np.ndarray:
    """Weights (PIXELS, CLASSES) of a ridge regression."""
    x = samples.images.flatten(1).numpy()
    y = np.eye(CLASSES)[samples.targets["kind"].numpy()]
    return np.linalg.solve(x.T @ x + np.eye(PIXELS), x.T @ y)


def answers(weights: np.ndarray, samples: Samples) -> dict[str, np.ndarray]:
    return {"probability": samples.images.flatten(1).numpy() @ weights}


def right(predictions, samples) -> np.ndarray:
    found = np.asarray(predictions["probability"]).argmax(1)
    return (found == samples.targets["kind"].numpy()).astype(float)


def separation(predictions, samples) -> float:
    """Mean one-against-rest AUROC by ranks (Mann & Whitney 1947)."""
    scores, labels = np.asarray(predictions["probability"]), samples.targets["kind"].numpy()
    areas = []
    for kind in range(CLASSES):
        ranks = scores[:, kind].argsort().argsort() + 1
        yes = labels == kind
        above = ranks[yes].sum() - yes.sum() * (yes.sum() + 1) / 2
        areas.append(above / (yes.sum() * (~yes).sum()))
    return float(np.mean(areas))


METRICS = {
    "accuracy": Metric("accuracy", right, per_sample=True),
    "auroc": Metric("auroc", separation),
}


def flagged(metric: Metric, overfitted: bool, trial: int) -> bool:
    """Whether weights are said to drop, in one trial of all that `--fresh` does with answers."""
    chance = np.random.default_rng(trial)
    public, fresh = drawn(chance, SCENES), drawn(chance, SCENES)
    weights = fitted(public if overfitted else drawn(chance, 300))
    pair = Pair(metric, answers(weights, public), public, answers(weights, fresh), fresh)
    drop = measured_drop([pair], most=round(5 / LEVEL), seed=trial)
    return significant([drop.p], LEVEL)[0]


@pytest.mark.parametrize("name", METRICS)
def test_honest(name):
    """Of 100 honest weights no more are said to drop than the stated rate allows (99.9 %)."""
    alarms = sum(flagged(METRICS[name], False, trial) for trial in range(100))
    assert alarms <= stats.binom.ppf(0.999, 100, LEVEL)


@pytest.mark.parametrize("name", METRICS)
def test_overfitted(name):
    """Weights fitted to the public test scenes are found in at least 95 of 100 trials."""
    assert sum(flagged(METRICS[name], True, trial) for trial in range(100)) >= 95


def test_rate_of_many():
    """Over 2,000 null drops, p-values at or below 0.05 are 5 % or fewer, and not far fewer."""
    count = 0
    for trial in range(2000):
        chance = np.random.default_rng(trial)
        public, fresh = chance.normal(size=(2, 20))
        difference = public - fresh
        drop = drop_test(
            lambda swapped, d=difference: float(np.where(swapped, -d, d).mean()), 20, 99, trial
        )
        count += drop.p <= 0.05
    assert stats.binom.ppf(1e-4, 2000, 0.05) <= count <= stats.binom.ppf(1 - 1e-4, 2000, 0.05)


def test_against_scipy():
    """The p-value of a mean agrees with SciPy's permutation test of paired samples."""
    chance = np.random.default_rng(5)
    public, fresh = chance.normal(0.45, 1, 40), chance.normal(0, 1, 40)
    difference = public - fresh
    drop = drop_test(lambda s: float(np.where(s, -difference, difference).mean()), 40, 20_000, 1)
    other = stats.permutation_test(
        (public, fresh), lambda a, b: np.mean(a - b), permutation_type="samples",
        alternative="greater", n_resamples=20_000, rng=np.random.default_rng(2),
    )  # fmt: skip
    assert drop.value == pytest.approx(difference.mean())
    assert drop.p == pytest.approx(other.pvalue, rel=0.5)


def test_holm():
    """Holm's steps: 0.01/3, then 0.01/2, then none after one that does not pass."""
    assert significant([0.004, 0.003, 0.02], 0.01) == [True, True, False]
    assert significant([0.0051, 0.003, 0.02], 0.01) == [False, True, False]
    assert significant([0.004, 0.004, 0.001], 0.01) == [True, True, True]
    assert significant([], 0.01) == []


def test_direction():
    """Where lower is better, a rise is the drop."""
    metric = Metric("wrong", lambda p, s: 1 - right(p, s), per_sample=True, higher_is_better=False)
    chance = np.random.default_rng(0)
    public, fresh = drawn(chance, SCENES), drawn(chance, SCENES)
    weights = fitted(public)
    pair = Pair(metric, answers(weights, public), public, answers(weights, fresh), fresh)
    assert pair.drop(np.zeros(SCENES, bool)) > 0.3
    assert pair.drop(np.ones(SCENES, bool)) == -pair.drop(np.zeros(SCENES, bool))


def test_no_scenes():
    """No scenes give an error, never a drop of zero."""
    with pytest.raises(ValueError, match="scenes"):
        drop_test(lambda _: 0.0, 0, 10, 0)
