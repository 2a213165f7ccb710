"""Parameters of lenses and images of them, for tests of lens fits."""

from __future__ import annotations

from torch import Tensor

from lensbench import Condition, Samples
from lensbench_reference.lens_fitting.smooth_lens import CENTRE, LENS_ONLY, NAMES


def lens_of(**changed: float) -> Tensor:
    """Parameters (1, 14): the centres of the priors, some of them changed."""
    theta = CENTRE[:LENS_ONLY].clone()
    for name, value in changed.items():
        theta[NAMES.index(name)] = value
    return theta[None]


def samples_of(images: Tensor, condition: Condition) -> Samples:
    """Images (N, H, W) in units of their noise, of which nothing else is known."""
    names = tuple(f"image-{i}" for i in range(len(images)))
    return Samples(names, images[:, None], {}, {}, condition, 1.0)
