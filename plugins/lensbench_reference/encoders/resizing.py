"""Images and maps brought to another size by two small matrices."""

from __future__ import annotations

import functools

import torch
from torch import Tensor


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Images (B, C, H, W) interpolated linearly to (B, C, height, width).

    Made smaller they are averaged, so that no frequency is folded. Products of matrices are
    the same from run to run on any device, as the gradients of an interpolation are not.
    """
    rows, columns = images.shape[2:]
    if rows != height:
        images = _weights(rows, height, images.device, images.dtype) @ images
    if columns != width:
        images = images @ _weights(columns, width, images.device, images.dtype).T
    return images


@functools.lru_cache(maxsize=64)
def _weights(size: int, wanted: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Weights (wanted, size) of the old pixels in each new one: a triangle about its centre.

    It is as wide as the coarser of the two samplings, and cut off at the image's edge.
    """
    with torch.inference_mode(False):
        step = size / wanted
        centre = (torch.arange(wanted, dtype=torch.float64) + 0.5) * step - 0.5
        distance = (torch.arange(size) - centre[:, None]).abs() / max(step, 1.0)
        weights = (1 - distance).clamp(min=0)
        return (weights / weights.sum(1, keepdim=True)).to(device, dtype)
