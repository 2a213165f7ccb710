"""Features of frozen encoders: computed once, stored, and read by all cells that need them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lensbench.api.samples import Features, Samples
from lensbench.store.arrays import map_arrays, writing_arrays
from lensbench.training.encoding import encode

_BATCH = 32
"""Of a processor, whose caches hold the activations of so many images; eightfold elsewhere."""

_POOLED, _MAP = "pooled", "map-{}"


def write_features(
    paths: Mapping[str, Path], encoder: Any, samples: Samples, device: torch.device
) -> None:
    """Encodes samples batch by batch into files of `pooled` features, of `maps`, or both."""
    encoder = encoder.to(device).eval()
    batch = _BATCH if device.type == "cpu" else 8 * _BATCH
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        writers = {
            part: stack.enter_context(writing_arrays(path, {}, rows=len(samples)))
            for part, path in paths.items()
        }
        for indices in torch.split(torch.arange(len(samples)), batch):
            features = encode(encoder, samples.take(indices).to(device))
            rows = {
                "pooled": {_POOLED: features.pooled.cpu().numpy()},
                "maps": {_MAP.format(i): m.cpu().numpy() for i, m in enumerate(features.maps)},
            }
            for part, writer in writers.items():
                writer.append(rows[part])


def with_features(samples: Samples, pooled: Path, maps: Path | None) -> Samples:
    """These samples with the features that files have of them."""
    arrays = map_arrays(maps) if maps else {}
    found = tuple(torch.from_numpy(arrays[_MAP.format(i)]) for i in range(len(arrays)))
    return replace(samples, features=Features(torch.from_numpy(map_arrays(pooled)[_POOLED]), found))
