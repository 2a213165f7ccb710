"""Encoders as programs of torch alone: loaded and called without this package."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lensbench.training.encoding import NOMINAL, checked_features, feature_shape
from lensbench.training.stretch import stretch


class StretchedEncoder(nn.Module):
    """An encoder called with images in units of the noise; returns its pooled features (B, D).

    One that asks for the condition is called with its vector (3,) as a second argument.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pooled features (B, D) of images (B, C, H, W) [σ of an empty pixel]."""
        arguments = () if condition is None else (condition,)
        return checked_features(self.encoder(stretch(images), *arguments)).pooled


def export_encoder(encoder: Any, channels: int, side: int, path: Path) -> str:
    """Writes a program for images of one size and any number of them.

    Args:
        encoder: On the processor.
        channels: Of its images.
        side: Of its images [pixels].
        path: A file for `torch.export.load`.

    Returns:
        Why it cannot be exported; empty where it was.
    """
    if encoder.planes or encoder.numbers:
        return f"{type(encoder).__name__} takes what is fitted to each image"
    encoder.eval()
    feature_shape(
        encoder, channels, side
    )  # tables that it keeps are made of numbers, not of traces
    example: tuple[Tensor, ...] = (torch.randn(2, channels, side, side),)
    shapes: tuple[dict[int, Any], ...] = ({0: torch.export.Dim("batch", min=1, max=2**20)},)
    if encoder.uses_condition:
        example, shapes = (*example, torch.tensor(NOMINAL)), (*shapes, {})
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(StretchedEncoder(encoder), example, dynamic_shapes=shapes)
            wanted = StretchedEncoder(encoder)(*example)
            if not torch.allclose(program.module()(*example), wanted, rtol=1e-4, atol=1e-5):
                return "the program gives other features"
            torch.export.save(program, path)
    except Exception as error:  # tracing raises whatever an encoder's code makes it
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""
