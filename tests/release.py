"""Images as the DeepLense release has them, drawn from the `faithful` populations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from lensbench.api.dataset import Scenes
from lensbench.sky.deeplense import MODEL_I_ZEROPOINT, DeepLense, released_counts
from lensbench.sky.scenes import draw_scenes

RELEASED = {
    # size, pixel scale and FWHM [arcsec], zero point: Euclid VIS's in lenstronomy 1.11 for II
    "i": (150, 0.05, 0.087, MODEL_I_ZEROPOINT),
    "ii": (64, 0.101, 0.16, 24.0),
}
FILE_NAMES = ("no_sub", "cdm", "axion")


def released(model: str, split: str, count: int) -> tuple[Scenes, np.ndarray]:
    """Scenes of a model, classes in turn, and their images (N, H, W): Model I has noisy counts."""
    size, scale, fwhm, zeropoint = RELEASED[model]
    scenes = draw_scenes(DeepLense(model, True), split, range(count), 0, size, scale)
    counts = scenes.sky[:, 0].numpy() * scale**2 * 10 ** (0.4 * (zeropoint - 23.9))
    sigma = fwhm / 2.3548 / scale
    counts = gaussian_filter(counts, (0, sigma, sigma), mode="constant", truncate=3)
    if model == "i":
        counts = released_counts(counts, np.random.default_rng(1))
    return scenes, counts


def write_release(folder: Path, model: str, count: int) -> Path:
    """Writes `{axion,cdm,no_sub}/*.npy`, where axion files are object pickles `[image, mass]`."""
    scenes, images = released(model, "train", count)
    masses = scenes.parameters["axion_mass"]
    for i, (image, label) in enumerate(zip(images, scenes.targets["substructure"], strict=True)):
        name = FILE_NAMES[label]
        (folder / name).mkdir(parents=True, exist_ok=True)
        content = image
        if name == "axion":
            content = np.empty(2, dtype=object)
            content[:] = image, float(masses[i])
        np.save(folder / name / f"{name}_sim_{i:05d}.npy", content, allow_pickle=True)
    return folder


def write_pairs(folder: Path, count: int) -> Path:
    """Writes `LR` and `HR`: noisy images of Model I in pixels of 2 × 2, and their own without."""
    scenes, _ = released("i", "train", count)
    _, scale, fwhm, zeropoint = RELEASED["i"]
    random = np.random.default_rng(2)
    sharp = scenes.sky[:, 0].numpy() * scale**2 * 10 ** (0.4 * (zeropoint - 23.9))
    sigma = fwhm / 2.3548 / scale
    sharp = gaussian_filter(sharp, (0, sigma, sigma), mode="constant", truncate=3)
    for side in ("LR", "HR"):
        (folder / side).mkdir(parents=True)
    for i, image in enumerate(sharp):
        low = image.reshape(75, 2, 75, 2).mean((1, 3))
        np.save(folder / "LR" / f"sim_{i}.npy", low + random.normal(0, 0.01, low.shape))
        np.save(folder / "HR" / f"sim_{i}.npy", image)
    return folder
