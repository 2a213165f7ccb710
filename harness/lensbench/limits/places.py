"""How well classes can be separated by who does not know where their substructure lies.

The observer of `classes` knows the residual of each scene. Two others know less:

- One knows all of the substructure except its angle about the lens, and ranks images by the mean of
  the likelihood ratios of all angles. With this knowledge no ranking is better (Neyman & Pearson
  1933), so the score is an upper bound, and a tighter one.
- The other is a matched filter. It looks for the largest subhalo alone, of known mass, at many
  places, and ranks images by the highest value among them. The more places, the higher that value
  is without substructure: the look-elsewhere effect (Gross & Vitells 2010, arXiv:1005.1891). Its
  score is no bound, but near what a real method can reach.

Noise is that of images after the fit of the smooth lens, which is linear here: the part of a
residual that small changes of the lens can make is removed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from lensbench.limits.classes import ClassLimit, Scene
from lensbench.limits.prior import SMOOTH

ANGLES = 37
"""Angles that substructure may have. Odd, so that lines, which half a turn leaves as they are, have
as many."""

RADII = (0.5, 0.75, 0.9, 1.05, 1.2, 1.5)
"""Distances from the lens's centre of places where a mass is looked for, in units of θ_E."""

DIRECTIONS = 16
"""Of these places, at each distance."""

_DRAWS = 500
"""Drawn noises of a scene, with substructure and without."""


@dataclass(frozen=True)
class PlaceLimit(ClassLimit):
    """How well two classes can be separated if the place of substructure is not known.

    Attributes:
        turned: AUROC of an observer who knows all but the angle; NaN where there is no angle.
        one_mass: AUROC of a matched filter of one subhalo; NaN where it does not apply.
    """

    turned: float = math.nan
    one_mass: float = math.nan

    @property
    def auroc(self) -> float:
        """The lower of the two upper bounds: that of a known signal and that without its angle."""
        return float(np.nanmin([super().auroc, self.turned]))


def place_limits(
    scenes: Sequence[Scene],
    known: list[ClassLimit],
    watch: Callable[[int], None] = lambda done: None,
) -> list[PlaceLimit]:
    """Limits of pairs of classes, over the scenes that their `class_limits` are of.

    Args:
        scenes: Those scenes.
        known: Limits of a known signal.
        watch: Called with the number of scenes that are done.
    """
    random = np.random.default_rng(0)
    turned: dict[tuple[str, str], list[Scores]] = {}
    single: dict[tuple[str, str], list[Scores]] = {}
    pairs = [(one.first, one.second) for one in known]
    for done, scene in enumerate(scenes, 1):
        banks = _of_angles(scene)
        masses = _of_one_mass(scene) if banks else None
        for first, second in pairs if banks else ():
            both = (banks.get(first), banks[second])
            turned.setdefault((first, second), []).append(mean_likelihood_scores(*both, random))
            if masses is not None and first == SMOOTH:
                found = matched_filter_scores(masses, banks[second][0], random)
                single.setdefault((first, second), []).append(found)
        watch(done)
    return [
        PlaceLimit(
            one.first,
            one.second,
            one.detectability,
            pooled_auroc(turned.get(pair, [])),
            pooled_auroc(single.get(pair, [])),
        )
        for pair, one in zip(pairs, known, strict=True)
    ]


Scores = tuple[np.ndarray, np.ndarray]
"""Of drawn images (n,) of a scene: as one of the first class, and as one of the second."""


def matched_filter_scores(bank: Tensor, signal: Tensor, random: np.random.Generator) -> Scores:
    """Highest values of a matched filter on noise, and on noise with a signal.

    The value of a template r is the logarithm of its likelihood ratio, x·r − |r|²/2.

    Args:
        bank: Templates (K, N) in units of the noise.
        signal: What is there (N,), in the same units.
        random: Draws the noise.
    """
    size, shift = bank.square().sum(1).numpy() / 2, (bank @ signal).numpy()
    without, with_signal = (_projected_noise(bank, random) - size for _ in range(2))
    return without.max(1), (with_signal + shift).max(1)


def mean_likelihood_scores(
    first: Tensor | None, second: Tensor, random: np.random.Generator
) -> Scores:
    """Logarithms of the likelihood ratio of two classes, each the mean over its angles.

    Args:
        first: Residuals (K, N) of the first class, the true one first; `None` without substructure.
        second: Those of the second class.
        random: Draws the noise.
    """
    classes = [second] if first is None else [second, first]
    bank = torch.cat(classes)
    size = bank.square().sum(1).numpy() / 2
    scores = []
    for true in (torch.zeros_like(second[0]) if first is None else first[0], second[0]):
        values = _projected_noise(bank, random) + (bank @ true).numpy() - size
        ratios = [_log_mean_exp(part) for part in np.split(values, len(classes), axis=1)]
        scores.append(ratios[0] - (ratios[1] if first is not None else 0.0))
    return scores[0], scores[1]


def pooled_auroc(scores: list[Scores]) -> float:
    """Area under the ROC curve of one threshold for all scenes; NaN without any."""
    if not scores:
        return math.nan
    without, with_signal = (np.concatenate(part) for part in zip(*scores, strict=True))
    n, m = len(without), len(with_signal)
    ranks = rankdata(np.concatenate([without, with_signal]))[n:]
    return float((ranks.sum() - m * (m + 1) / 2) / (n * m))


def _projected_noise(bank: Tensor, random: np.random.Generator) -> np.ndarray:
    """Products (n, K) of drawn white noise and the templates of a bank (K, N)."""
    values, vectors = np.linalg.eigh((bank @ bank.T).numpy())
    drawn = random.normal(size=(_DRAWS, len(values))) * np.sqrt(values.clip(min=0))
    return np.asarray(drawn @ vectors.T)


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    highest = values.max(1)
    return np.asarray(highest + np.log(np.exp(values - highest[:, None]).mean(1)))


def _of_angles(scene: Scene) -> dict[str, Tensor]:
    """Residuals (K, N) of each class at all angles, the true one first; empty without any."""
    angles = [name for name in ("subhalo_phi", "vortex_phi") if name in scene.parameters]
    if not angles:
        return {}
    turns = [2 * math.pi * step / ANGLES for step in range(ANGLES)]
    turned = [
        {**scene.parameters, **{name: scene.parameters[name] + turn for name in angles}}
        for turn in turns
    ]
    return {name: _residuals(scene, name, turned) for name in scene.classes if name != SMOOTH}


def _of_one_mass(scene: Scene) -> Tensor | None:
    """Residuals (K, N) of the largest subhalo alone at all places.

    None where subhaloes are not drawn in units of θ_E.
    """
    drawn = scene.parameters
    if "f_sub" not in drawn or "subhalo_mass" not in drawn:
        return None
    largest = int(drawn["subhalo_mass"].argmax())
    alone = {
        name: value[largest : largest + 1] if name.startswith("subhalo") else value
        for name, value in drawn.items()
    }
    places = []
    for radius, step in itertools.product(RADII, range(DIRECTIONS)):
        place = {"subhalo_radius": radius, "subhalo_phi": 2 * math.pi * step / DIRECTIONS}
        there = {name: drawn["theta_E"].new_tensor([value]) for name, value in place.items()}
        places.append({**alone, **there})
    return _residuals(scene, "cdm", places)


def _residuals(scene: Scene, name: str, changed: list[dict[str, Tensor]]) -> Tensor:
    """What a smooth lens leaves (K, N) of images of a class with changed parameters."""
    label = scene.classes.index(name)
    images = torch.stack([scene.image(one, label) for one in changed])
    return scene.without_smooth(images - scene.linear[0])
