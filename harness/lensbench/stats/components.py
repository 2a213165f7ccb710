"""How much of a score's variance comes from the draw, from pretraining and from the fit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

AXES = ("draw", "pretraining", "fit")


def variance_components(
    values: np.ndarray, draw: Sequence[int], pretraining: Sequence[int], fit: Sequence[int]
) -> dict[str, float]:
    """Variance of scores by random axis: draw, pretraining and fit.

    Fits are nested in pretrainings, and these in draws: a seed has no meaning outside the draw that
    it was used in. Sums of squares are equated to their expected values, with the coefficients of
    unbalanced designs (Searle, Casella & McCulloch 1992, section 5.2). Test scenes change with the
    draw, so its share includes the effect of their finite number.

    Args:
        values: Scores (N,).
        draw: Seed of the draw of each (N,).
        pretraining: Seed of the pretraining of each (N,).
        fit: Seed of the fit of each (N,).

    Returns:
        Variance by axis, at least zero. Axes whose seeds never varied are left out, because nothing
        is known about them. Axes that varied only together share one entry, such as
        `draw+pretraining`. Empty for fewer than two scores.

    Raises:
        ValueError: Where lengths differ, a value is not finite, or a combination of seeds repeats.
    """
    values = np.asarray(values, dtype=np.float64)
    labels = list(zip(draw, pretraining, fit, strict=True))
    if len(labels) != len(values):
        raise ValueError(f"{len(values)} scores have {len(labels)} combinations of seeds")
    if not np.isfinite(values).all():
        raise ValueError("a score that is not finite has no variance")
    if len(set(labels)) != len(labels):
        raise ValueError("a combination of seeds occurs twice; each is one score")
    names, codes = _levels(labels)
    if not names:
        return {}
    found = _nested(values, codes)
    return dict(zip(names, found, strict=True))


def _levels(labels: list[tuple[int, int, int]]) -> tuple[list[str], list[np.ndarray]]:
    """Names of levels, outermost first, and the group (N,) of each score at each.

    A level that splits no group of the level above it is left out: the two are the same.
    """
    names: list[str] = []
    codes: list[np.ndarray] = []
    varied = [len({label[axis] for label in labels}) > 1 for axis in range(len(AXES))]
    groups = 1
    for axis, name in enumerate(AXES):
        if not varied[axis]:
            continue
        keys = {
            key: i for i, key in enumerate(dict.fromkeys(label[: axis + 1] for label in labels))
        }
        if len(keys) > groups:
            names.append(name)
            codes.append(np.array([keys[label[: axis + 1]] for label in labels]))
            groups = len(keys)
        else:
            names[-1] += f"+{name}"
    return names, codes


def _nested(values: np.ndarray, codes: list[np.ndarray]) -> list[float]:
    """Components of nested random effects, outermost first, by the ANOVA method."""
    above = np.zeros(len(values), dtype=np.int64)
    chain = [above, *codes]
    count = len(codes)
    squares, coefficients = [], []
    for outer, inner in itertools.pairwise(chain):
        difference = _means(values, inner) - _means(values, outer)
        squares.append(float((difference**2).sum()))
        coefficients.append([_share(level, inner) - _share(level, outer) for level in codes])
    result = np.zeros(count)
    for level in reversed(range(count)):
        rest = squares[level] - np.dot(coefficients[level][level + 1 :], result[level + 1 :])
        result[level] = rest / coefficients[level][level]
    return [max(0.0, float(value)) for value in result]


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Each score's group's mean (N,)."""
    sums = np.bincount(groups, values)
    means: np.ndarray = (sums / np.bincount(groups))[groups]
    return means


def _share(level: np.ndarray, groups: np.ndarray) -> float:
    """Σ over groups of Σ over classes of a level of n_class∩group² / n_group."""
    size = np.bincount(groups)
    pairs, counts = np.unique(np.stack([groups, level]), axis=1, return_counts=True)
    return float((counts**2 / size[pairs[0]]).sum())
