"""Pictures of reconstructions: images, with parts hidden, and as the model restores them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensbench.api.encoder import Encoder, ReconstructingEncoder
from lensbench.api.pretraining import RestoringObjective
from lensbench.api.samples import Samples
from lensbench.training.stretch import stretch

_GAP = 2
_BLACK, _WHITE = -1.0, 4.0
"""Ends of the grey scale, in the stretched domain."""


def draw_reconstructions(
    objective: Any, encoder: Encoder, sets: Sequence[Samples], device: torch.device, path: Path
) -> bool:
    """Draws a few images of each set, what was not hidden of them, and what was restored.

    Nothing is drawn where neither the objective restores images nor the encoder reconstructs them.

    Returns:
        Whether a picture was drawn.
    """
    rows = []
    was_training = objective.training
    objective.eval()
    try:
        for samples in sets:
            panels = _panels(objective, encoder, samples.to(device))
            if panels is None:
                return False
            rows.append(_sheet([panel.float().cpu().numpy()[:, 0] for panel in panels]))
    finally:
        objective.train(was_training)
    _write(rows, path)
    return True


def _panels(objective: Any, encoder: Encoder, samples: Samples) -> tuple[torch.Tensor, ...] | None:
    """Stretched images (B, C, H, W): whole, with parts hidden where the objective hides them, and
    restored."""
    with torch.no_grad():
        if isinstance(objective, RestoringObjective):
            restored = objective.restored(samples, torch.Generator().manual_seed(0))
            return None if restored is None else (_viewed(encoder, samples), *restored)
        if isinstance(encoder, ReconstructingEncoder):
            images = stretch(samples.images)
            return images, encoder.reconstruct(images)
    return None


def _viewed(encoder: Any, samples: Samples) -> torch.Tensor:
    """Stretched images as the encoder takes patches from them."""
    images = stretch(samples.images)
    if encoder.resamples:
        viewed: torch.Tensor = encoder.view(images, samples.vector())
        return viewed
    return images


def _sheet(panels: Sequence[np.ndarray]) -> np.ndarray:
    """Panels (B, H, W) below one another, images side by side."""
    gap = ((0, 0), (0, _GAP), (0, _GAP))
    padded = [np.pad(panel, gap, constant_values=_WHITE) for panel in panels]
    return np.concatenate([np.concatenate(list(panel), 1) for panel in padded], 0)


def _write(rows: Sequence[np.ndarray], path: Path) -> None:
    from PIL import Image

    width = max(row.shape[1] for row in rows)
    sheet = np.concatenate(
        [np.pad(r, ((0, 2 * _GAP), (0, width - r.shape[1])), constant_values=_WHITE) for r in rows]
    )
    grey = np.clip((np.nan_to_num(sheet) - _BLACK) / (_WHITE - _BLACK), 0, 1)
    temporary = path.with_suffix(".writing")
    Image.fromarray((255 * grey).astype(np.uint8)).save(temporary, format="PNG")
    temporary.replace(path)
