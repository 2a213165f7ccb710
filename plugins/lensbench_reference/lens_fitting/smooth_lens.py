"""A smooth lens as a function of 14 numbers, and five more for each component of its light."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lensbench import SceneModel, Sersic, Shear, Sie

NAMES = (
    "ln_theta_E",
    "lens_e1",
    "lens_e2",
    "lens_x",
    "lens_y",
    "gamma_1",
    "gamma_2",
    "magnitude",
    "ln_radius",
    "ln_index",
    "source_e1",
    "source_e2",
    "source_x",
    "source_y",
)
"""Parameters of the fit: logarithms of what is positive, components of what has a direction;
centres in arcsec, the source's from the lens's."""

COMPONENTS = ("light", "disc")
"""Of the light of the lens galaxy, each a Sérsic profile about the lens's centre."""

LIGHT_NAMES = tuple(
    name
    for part in COMPONENTS
    for name in (
        f"{part}_magnitude", f"ln_{part}_radius", f"ln_{part}_index", f"{part}_e1", f"{part}_e2",
    )
)  # fmt: skip
"""What is added where the lens galaxy shines, a component after the other."""

LENS_ONLY = len(NAMES)

CENTRE = torch.tensor(
    [
        0.0,
        0.03,
        0.0,
        0.0,
        0.0,
        0.0,
        0.01,
        23.5,
        -1.4,
        0.2,
        0.03,
        0.0,
        0.0,
        0.0,
        19.5,
        -0.2,
        1.2,
        0.03,
        0.0,
        20.5,
        0.3,
        0.0,
        0.03,
        0.0,
    ],
    dtype=torch.float64,
)
"""Where the priors are centred; ellipticities beside zero, where the angle has no derivative."""

WIDTH = torch.tensor(
    [
        *(1.0, 0.2, 0.2, 0.3, 0.3, 0.1, 0.1, 3.0, 0.8, 0.6, 0.3, 0.3, 0.5, 0.5),
        *(3.0, 1.0, 0.5, 0.2, 0.2),
        *(3.0, 1.0, 0.3, 0.3, 0.3),
    ],
    dtype=torch.float64,
)
"""Standard deviations of the normal priors: far wider than what a ring in the image says, so that
they rule only what the image leaves open. They are chosen for galaxies that lens galaxies."""

LARGEST_ELLIPTICITY = 0.6
LARGEST_SHEAR = 0.4
ROUND = 1e-8
"""Added to squared ellipticities, so that the angle of a round galaxy has a derivative."""

NO_SHEAR = 1e-12
"""Likewise to squared shears."""


def smooth_lens(theta: Tensor) -> SceneModel:
    """SIE, shear and Sérsic source of parameters (..., 14), with lens light of (..., 19 or 24)."""
    p = named(theta[..., None, None], -3)
    q, phi = shape(p["lens_e1"], p["lens_e2"])
    source_q, source_phi = shape(p["source_e1"], p["source_e2"])
    gamma = torch.sqrt(p["gamma_1"] ** 2 + p["gamma_2"] ** 2 + NO_SHEAR)
    x, y = p["lens_x"], p["lens_y"]
    mass = (
        Sie(p["ln_theta_E"].exp(), q, phi, x, y),
        Shear(bounded(gamma, LARGEST_SHEAR), torch.atan2(p["gamma_2"], p["gamma_1"]) / 2, x, y),
    )
    source = Sersic(
        p["magnitude"],
        p["ln_radius"].exp(),
        p["ln_index"].exp(),
        source_q,
        source_phi,
        x + p["source_x"],
        y + p["source_y"],
    )
    lights = tuple(
        Sersic(
            p[f"{part}_magnitude"],
            p[f"ln_{part}_radius"].exp(),
            p[f"ln_{part}_index"].exp(),
            *shape(p[f"{part}_e1"], p[f"{part}_e2"]),
            x,
            y,
        )
        for part in shining(p)
    )
    return SceneModel(mass, (source,), lights)


def shining(p: Mapping[str, Tensor]) -> list[str]:
    """Components of the lens galaxy's light that parameters by name have."""
    return [part for part in COMPONENTS if f"{part}_magnitude" in p]


def einstein_radius(theta: Tensor) -> Tensor:
    """Einstein radius (...) of lenses (..., 14): the circularised one, as that of the target."""
    p = named(theta)
    q, phi = shape(p["lens_e1"], p["lens_e2"])
    macro = Sie(p["ln_theta_E"].exp(), q, phi, p["lens_x"], p["lens_y"])
    return torch.as_tensor(macro.einstein_radius())


def named(theta: Tensor, axis: int = -1) -> dict[str, Tensor]:
    """Parameters by name, along an axis of 14, 19 or 24."""
    values = theta.unbind(axis)
    return dict(zip((*NAMES, *LIGHT_NAMES)[: len(values)], values, strict=True))


def shape(e_1: Tensor, e_2: Tensor) -> tuple[Tensor, Tensor]:
    """Axis ratio and position angle of an ellipticity's components."""
    e = bounded(torch.sqrt(e_1**2 + e_2**2 + ROUND), LARGEST_ELLIPTICITY)
    return (1 - e) / (1 + e), torch.atan2(e_2, e_1) / 2


def bounded(value: Tensor, largest: float) -> Tensor:
    """A positive value as it is where it is small, and below the largest everywhere."""
    return value / torch.sqrt(1 + (value / largest) ** 2)


def priors(theta: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and widths of the priors of as many parameters as there are."""
    count = theta.shape[-1]
    return CENTRE[:count].to(theta.device), WIDTH[:count].to(theta.device)


def without_mass(centre: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """Priors that hold a lens to an Einstein radius of 0.01″ and no shear: a plain galaxy."""
    centre, width = centre.clone(), width.clone()
    centre[0], width[0] = math.log(0.01), 1e-3
    for name in ("lens_e1", "lens_e2", "gamma_1", "gamma_2"):
        width[NAMES.index(name)] = 1e-3
    return centre, width
