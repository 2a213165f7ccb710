"""Images and maps brought to another size by two small matrices."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn.functional import interpolate


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
    """Weights (wanted, size) of the old pixels in each new one."""
    with torch.inference_mode(False):
        each = torch.eye(size).reshape(1, size, size, 1)
        weights = interpolate(each, (wanted, 1), mode="bilinear", antialias=True)
        return weights[0, :, :, 0].T.contiguous().to(device, dtype)
