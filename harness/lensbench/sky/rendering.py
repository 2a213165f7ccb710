"""Renders skies, scene by scene: compiled, or by torch in bands of rows that fit a core's cache."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from lensbench.sky.components import SceneModel
from lensbench.sky.spectra import Filters

_BAND = 1 << 14
"""Rays traced together: few enough for a core's cache and for the caches of a core."""


def render_model(
    model: SceneModel, size: int, pixel_scale: float, like: Tensor | None = None
) -> Tensor:
    """The sky (C, size, size) of one scene [µJy/arcsec²], sampled at the pixels' centres.

    Args:
        model: The parts of the scene.
        size: Pixels on a side.
        pixel_scale: Side of a pixel [arcsec].
        like: Gives dtype and device; without, float32 on the CPU, by compiled kernels and without
            gradients.
    """
    if like is None:
        return render_models(lambda _: model, 1, size, pixel_scale)[0]
    axis = torch.arange(size, dtype=like.dtype, device=like.device)
    axis = (axis - (size - 1) / 2) * pixel_scale
    rows = math.ceil(size / math.ceil(size * size / _BAND))
    bands = [
        model.brightness(axis[None, :], axis[start : start + rows, None])
        for start in range(0, size, rows)
    ]
    bands = [band.reshape(-1, *band.shape[-2:]) for band in bands]
    return torch.cat(bands, 1)


def render_models(
    build: Callable[[int], SceneModel],
    count: int,
    size: int,
    pixel_scale: float,
    filters: Filters | None = None,
) -> Tensor:
    """The skies (B, C, size, size) of many scenes [µJy/arcsec²].

    Each scene is rendered alone, so that its pixels are the same to the last bit whatever is
    rendered beside it.

    Args:
        build: Gives the model of scene 0, 1, …, count − 1.
        count: How many.
        size: Pixels on a side.
        pixel_scale: Side of a pixel [arcsec].
        filters: Filters that skies have a channel of each; without, lights shine as they are.
    """
    from lensbench.sky.compiled import Rays

    rays, skies = Rays(size, pixel_scale), np.empty((count, 1, size, size), np.float32)
    with torch.no_grad(), _one_thread():
        for row in range(count):
            model, place = build(row), skies[row, 0]
            sky = rays.render_through(model, filters) if filters else rays.render(model, place)
            if len(sky) != skies.shape[1]:
                skies = np.empty((count, *sky.shape), np.float32)
            if sky.data_ptr() != place.ctypes.data:
                skies[row] = sky.numpy()
    return torch.from_numpy(skies)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keeps torch to one thread: waking a second costs more than these small operations take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
