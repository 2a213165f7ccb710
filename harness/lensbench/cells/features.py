"""What a frozen encoder makes of images: encoded once, kept, and read by all cells that ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lensbench.api.samples import Features, Samples
from lensbench.cells.encoding import encode
from lensbench.store.arrays import map_arrays, writing_arrays

_BATCH = 64
_POOLED, _MAP = "pooled", "map-{}"


def write_features(
    path: Path, encoder: Any, samples: Samples, maps: bool, device: torch.device
) -> None:
    """Encodes samples batch by batch into a file, with the encoder's maps or without."""
    encoder = encoder.to(device).eval()
    with torch.no_grad(), writing_arrays(path, {}, rows=len(samples)) as writer:
        for indices in torch.split(torch.arange(len(samples)), _BATCH):
            features = encode(encoder, samples.take(indices).to(device))
            rows = {_POOLED: features.pooled.cpu().numpy()}
            for number, values in enumerate(features.maps if maps else ()):
                rows[_MAP.format(number)] = values.cpu().numpy()
            writer.append(rows)


def with_features(samples: Samples, path: Path) -> Samples:
    """These samples with the features that a file has of them."""
    arrays = map_arrays(path)
    pooled = torch.from_numpy(arrays.pop(_POOLED))
    maps = tuple(torch.from_numpy(arrays[_MAP.format(i)]) for i in range(len(arrays)))
    return replace(samples, features=Features(pooled, maps))
