"""The same scene for lenstronomy: translates the parts of a scene into its keyword arguments."""

from __future__ import annotations

import math

import numpy as np
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel

from lensbench.sky import components as c
from lensbench.sky.light import flux, sersic_b


def deflection(model: c.SceneModel, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deflection angles by lenstronomy."""
    names, kwargs = [], []
    for part in model.mass:
        for name, values in _lens(part):
            names.append(name)
            kwargs.append(values)
    return LensModel(names).alpha(x, y, kwargs)


def brightness(model: c.SceneModel, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Surface brightness by lenstronomy, ray by ray."""
    a_x, a_y = deflection(model, x, y)
    sky = sum(_light(part, x - a_x, y - a_y) for part in model.sources)
    return sky + sum(_light(part, x, y) for part in model.lights)


def _ellipticity(q: float, phi: float) -> dict[str, float]:
    e = (1 - q) / (1 + q)
    return {"e1": e * math.cos(2 * phi), "e2": e * math.sin(2 * phi)}


def _lens(part: c.Deflector) -> list[tuple[str, dict[str, float]]]:  # noqa: PLR0911 (one a kind)
    if isinstance(part, c.PointMasses):
        return [
            ("POINT_MASS", {"theta_E": math.sqrt(m), "center_x": x, "center_y": y})
            for m, x, y in zip(part.masses.tolist(), part.x.tolist(), part.y.tolist(), strict=True)
        ]
    if isinstance(part, c.Nfw):
        rows = zip(*(v.tolist() for v in (part.alpha_Rs, part.Rs, part.x, part.y)), strict=True)
        return [
            ("NFW", {"alpha_Rs": a, "Rs": r, "center_x": x, "center_y": y}) for a, r, x, y in rows
        ]
    if isinstance(part, c.TruncatedNfw):
        parameters = (part.alpha_Rs, part.Rs, part.r_trunc, part.x, part.y)
        rows = zip(*(v.tolist() for v in parameters), strict=True)
        return [
            ("TNFW", {"alpha_Rs": a, "Rs": r, "r_trunc": t, "center_x": x, "center_y": y})
            for a, r, t, x, y in rows
        ]
    centre = {"center_x": part.x, "center_y": part.y}
    if isinstance(part, c.Shear):
        gamma = {
            "gamma1": part.gamma * math.cos(2 * part.phi),
            "gamma2": part.gamma * math.sin(2 * part.phi),
        }
        return [("SHEAR", {**gamma, "ra_0": part.x, "dec_0": part.y})]
    if isinstance(part, c.Multipole):
        return [("MULTIPOLE", {"m": part.m, "a_m": part.a_m, "phi_m": part.phi_m, **centre})]
    shape = {"theta_E": part.theta_E, **_ellipticity(part.q, part.phi), **centre}
    if isinstance(part, c.Epl):
        return [("EPL", {**shape, "gamma": part.slope + 1})]
    return [("SIE", shape)]


def _light(part: c.Light, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brightness of one part; lenstronomy's linear b(n) is made up for in its radius."""
    centre = {"center_x": part.x, "center_y": part.y}
    if isinstance(part, c.GalaxyImage):
        model = LightModel(["INTERPOL"])
        image = {"image": part.pixels[0].numpy(), "amp": 1.0, "scale": part.pixel_scale}
        return model.surface_brightness(x, y, [{**image, "phi_G": part.phi, **centre}])
    b, b_linear = sersic_b(part.n), max(1.9992 * part.n - 0.3271, 1e-5)
    total = 2 * math.pi * part.R_sersic**2 * part.n * b ** (-2 * part.n) * math.gamma(2 * part.n)
    kwargs = {
        "amp": flux(part.magnitude) / total * math.exp(-b_linear),
        "R_sersic": part.R_sersic * (b_linear / b) ** part.n,
        "n_sersic": part.n,
        **_ellipticity(part.q, part.phi),
        **centre,
    }
    return LightModel(["SERSIC_ELLIPSE"]).surface_brightness(x, y, [kwargs])
