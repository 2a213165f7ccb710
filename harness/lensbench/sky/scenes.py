"""Draws scenes from a population and renders their skies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lensbench.api.dataset import Scenes
from lensbench.sky import lensing, light
from lensbench.sky.population import CLASSES, Population
from lensbench.sky.seeds import generator_of

Parameters = dict[str, Tensor]

_CHUNK = 6
"""Scenes rendered together: few enough to stay in a core's cache, where eager torch is fastest."""


def draw_scenes(
    population: Population,
    split: str,
    indices: Sequence[int],
    seed: int,
    size: int = 288,
    pixel_scale: float = 0.025,
) -> Scenes:
    """Scenes of a population, classes in turn.

    A scene depends on its split, its index and the seed alone: not on the other indices, nor on
    how many are drawn at once.

    Args:
        population: Distributions of the parameters.
        split: Name of the split; scenes of two splits are never the same.
        indices: Which scenes.
        seed: Draw seed.
        size: Pixels on a side of the sky.
        pixel_scale: Side of a sky pixel [arcsec].

    Returns:
        Skies (B, 1, size, size) with targets `substructure`, `theta_E` and all parameters.
    """
    labels = np.array([index % len(CLASSES) for index in indices], dtype=np.int64)
    drawn = [
        population.draw(int(label), generator_of("scene", seed, split, index))
        for label, index in zip(labels, indices, strict=True)
    ]
    parameters = {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}
    tensors = {name: torch.from_numpy(v.astype(np.float32)) for name, v in parameters.items()}
    sky = torch.cat(
        [
            render(
                {name: values[start : start + _CHUNK] for name, values in tensors.items()},
                torch.from_numpy(labels[start : start + _CHUNK]),
                size,
                pixel_scale,
                population.lens_light,
            )
            for start in range(0, len(labels), _CHUNK)
        ]
    )
    return Scenes(
        ids=tuple(f"{seed}-{split}-{index}" for index in indices),
        sky=sky[:, None],
        pixel_scale=pixel_scale,
        psf_fwhm=np.zeros(len(labels)),
        targets={
            "substructure": labels,
            "theta_E": parameters["theta_E"].astype(np.float32),
        },
        parameters=parameters,
    )


def render(
    parameters: Parameters, labels: Tensor, size: int, pixel_scale: float, lens_light: bool
) -> Tensor:
    """Skies (B, size, size) [µJy/arcsec²] of these parameters, each (B,) or (B, K)."""
    p = {k: v[:, None, None] if v.ndim == 1 else v for k, v in parameters.items()}
    axis = (torch.arange(size) - (size - 1) / 2) * pixel_scale
    x = axis[None, None, :] - p["lens_x"]
    y = axis[None, :, None] - p["lens_y"]
    shape = (len(labels), size, size)
    x, y = x.expand(shape), y.expand(shape)
    a_x, a_y = _deflection(x, y, p, labels)
    q_source = lensing.axis_ratio(p["source_ellipticity"])
    sky = light.sersic(
        x - a_x - p["source_x"] * p["theta_E"],
        y - a_y - p["source_y"] * p["theta_E"],
        p["source_magnitude"], p["source_radius"], p["source_index"], q_source, p["source_phi"],
    )  # fmt: skip
    if lens_light:
        q_lens = lensing.axis_ratio(p["lens_ellipticity"])
        index = torch.full_like(q_lens, 4.0)
        sky = sky + light.sersic(
            x, y, p["lens_magnitude"], p["lens_radius"], index, q_lens, p["lens_phi"]
        )
    return sky


def _deflection(x: Tensor, y: Tensor, p: Parameters, labels: Tensor) -> lensing.Deflection:
    """Macro lens, shear and the substructure of each scene's class."""
    theta_macro = p["theta_E"] * torch.sqrt(1 - p["f_sub"])
    a_x, a_y = lensing.sie(
        x, y, theta_macro, lensing.axis_ratio(p["lens_ellipticity"]), p["lens_phi"]
    )
    g_1 = p["shear"] * torch.cos(2 * p["shear_phi"])
    g_2 = p["shear"] * torch.sin(2 * p["shear_phi"])
    s_x, s_y = lensing.shear(x, y, g_1, g_2)
    a_x, a_y = a_x + s_x, a_y + s_y
    mass = p["f_sub"] * p["theta_E"] ** 2
    for label, name in enumerate(CLASSES):
        chosen = labels == label
        if name == "no_sub" or not chosen.any():
            continue
        c = {k: v[chosen] for k, v in p.items()}
        if name == "cdm":
            radius = c["subhalo_radius"] * c["theta_E"][:, 0]
            d_x, d_y = lensing.point_masses(
                x[chosen], y[chosen],
                c["subhalo_mass"] * mass[chosen][:, 0],
                radius * torch.cos(c["subhalo_phi"]), radius * torch.sin(c["subhalo_phi"]),
            )  # fmt: skip
        else:
            half_length = c["vortex_half_length"] * c["theta_E"]
            d_x, d_y = lensing.line_mass(
                x[chosen], y[chosen], mass[chosen], half_length, c["vortex_phi"]
            )
        a_x[chosen] += d_x
        a_y[chosen] += d_y
    return a_x, a_y
