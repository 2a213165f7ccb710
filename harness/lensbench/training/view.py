"""What an encoder sees of an image: the same piece of sky, sampled in the same way."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensbench.training.stretch import stretch, unstretch


class SkyView(nn.Module):
    """Images of any condition, resampled to one pixel scale over one field about the centre.

    A ring of an arcsecond then has the same size under every condition, and what was learned
    under one can be used under another. Values are surface brightness over the noise of one new
    pixel, were the noise white: equal depth gives equal values. What lies outside the image is
    empty sky.

    Args:
        pixel: Side of a new pixel [arcsec].
        field: Side of what is looked at [arcsec].
    """

    def __init__(self, pixel: float, field: float) -> None:
        super().__init__()
        self.pixel = pixel
        self.side = max(8, 8 * round(field / pixel / 8))

    def forward(self, images: Tensor, condition: Tensor | None) -> Tensor:
        """Stretched images (B, C, S, S) of stretched images (B, C, H, W).

        Args:
            images: As they were observed.
            condition: The condition's vector (3,) or (B, 3), which has the side of a pixel;
                without it images are returned as they are.
        """
        if condition is None:
            return images
        scale, pixel = _scales(condition, self.pixel)
        rows = _triangles(images.shape[2], scale, self.side, pixel)
        columns = _triangles(images.shape[3], scale, self.side, pixel)
        with torch.autocast(images.device.type, enabled=False):  # bright pixels lose too much
            flux = rows @ unstretch(images.float()) @ columns.mT
            return stretch(flux * (pixel / scale)[:, None]).to(images)

    def back(self, maps: Tensor, size: tuple[int, int], condition: Tensor | None) -> Tensor:
        """Maps (B, D, h, w) of the view, brought to the field of the images of this size (H, W).

        The longer side keeps its number of rows or columns. Maps are zero where nothing was looked
        at.
        """
        if condition is None:
            return maps
        scale, pixel = _scales(condition, self.pixel)
        height, width = maps.shape[2:]
        old = self.side * pixel
        tall, wide = (max(1, round(height * side / max(size))) for side in size)
        rows = _triangles(height, old / height, tall, size[0] * scale / tall)
        columns = _triangles(width, old / width, wide, size[1] * scale / wide)
        return rows.to(maps) @ maps @ columns.mT.to(maps)


def _scales(condition: Tensor, pixel: float) -> tuple[Tensor, Tensor]:
    """Sides [arcsec] of the pixels of images and of views, each (1 or B, 1, 1)."""
    scale = 10.0 ** condition.float().reshape(-1, 3)[:, 0, None, None]
    return scale, torch.full_like(scale, pixel)


def _triangles(count: int, side: Tensor, wanted: int, new_side: Tensor) -> Tensor:
    """Weights (1 or B, 1, wanted, count) of old pixels in new ones about the same centre.

    A triangle as wide as the coarser of both samplings, so that no frequency is folded. They sum
    to one, or to zero where the new pixel's centre lies outside.
    """
    old = side * (torch.arange(count, device=side.device) - (count - 1) / 2)
    new = new_side * (torch.arange(wanted, device=side.device) - (wanted - 1) / 2)[:, None]
    weights = (1 - (new - old).abs() / torch.maximum(side, new_side)).clamp(min=0)
    weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)
    inside = new.abs() <= side * (count / 2 + 1e-4)
    return (weights * inside)[:, None]
