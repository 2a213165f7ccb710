"""A residual network that sees a map of the lens's distortion beside the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from lensbench import Features
from lensbench_reference.encoders.resnet import ResNet18

FAINTEST = 1e-3
"""Brightness, in units of the image's brightest pixel, below which all pixels count alike."""


class LensPinn(ResNet18):
    """ResNet-18 of the image and of `distortion_map` as further channels.

    Re-made from the description of LensPINN (Ojha, Gleyzer, Toomey & Reddy 2024, Machine
    Learning and the Physical Sciences, NeurIPS), not from its code.
    """

    @dataclass(frozen=True)
    class Options(ResNet18.Options):
        """Options of `lens-pinn`, as of `resnet18`."""

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__(options, 2 * channels)

    def forward(self, images: Tensor) -> Features:
        """As `ResNet18`, of images (B, C, H, W) without the map."""
        return super().forward(torch.cat([images, distortion_map(images)], 1))


def distortion_map(images: Tensor) -> Tensor:
    """|tanh ∂²/∂x∂y (log I_max/I)²| of images (B, C, H, W), with values between 0 and 1.

    Where light is arranged in rings about the middle, the mixed derivative changes its sign from
    quadrant to quadrant; arcs and clumps stand out. Derivatives are central differences of
    pixels; beyond its edge an image goes on as it is there. Pixels fainter than `FAINTEST` of
    the brightest count as that faint, since the noise makes some of them negative. The map of an
    image without positive pixels is zero.
    """
    brightest = images.amax((2, 3), keepdim=True).clamp(min=1e-6)
    depth = (images / brightest).clamp(min=FAINTEST).log().square()
    near = pad(depth, (1, 1, 1, 1), mode="replicate")
    mixed = near[..., 2:, 2:] - near[..., 2:, :-2] - near[..., :-2, 2:] + near[..., :-2, :-2]
    return (mixed / 4).tanh().abs()
