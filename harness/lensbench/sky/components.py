"""The parts of a scene: what deflects and what shines, each with its parameters and its place.

Parameters are plain numbers (one scene) or tensors that broadcast against (..., H, W); those of
K haloes are tensors (..., K). `x` and `y` are the centre in the field [arcsec].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from lensbench.sky import halos, lensing, light, scalars
from lensbench.sky.lensing import Deflection
from lensbench.sky.scalars import Number
from lensbench.sky.spectra import Spectrum


class Deflector(Protocol):
    """A mass in the lens plane."""

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        ...


class Light(Protocol):
    """Something that shines, in the source plane or in front of it."""

    def brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface brightness (H, W) or (C, H, W) at positions in its plane [µJy/arcsec²]."""
        ...


@dataclass(frozen=True)
class Sie:
    """Singular isothermal ellipsoid; see `lensing.sie`."""

    theta_E: Number
    q: Number
    phi: Number
    x: Number
    y: Number

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return lensing.sie(x - self.x, y - self.y, self.theta_E, self.q, self.phi)

    def einstein_radius(self) -> Number:
        """Radius of the circle about its centre in which the mean convergence is one [arcsec]."""
        return self.theta_E * lensing.elliptical_mean(self.q)


@dataclass(frozen=True)
class Epl:
    """Elliptical power law; see `lensing.epl`."""

    theta_E: Number
    q: Number
    phi: Number
    slope: Number
    x: Number
    y: Number

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return lensing.epl(x - self.x, y - self.y, self.theta_E, self.q, self.phi, self.slope)


@dataclass(frozen=True)
class Shear:
    """External shear of strength |γ| along `phi`, zero at its centre; see `lensing.shear`."""

    gamma: Number
    phi: Number
    x: Number
    y: Number

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        gamma_1 = self.gamma * scalars.cos(2 * self.phi)
        gamma_2 = self.gamma * scalars.sin(2 * self.phi)
        return lensing.shear(x - self.x, y - self.y, gamma_1, gamma_2)


@dataclass(frozen=True)
class Multipole:
    """Multipole of order m; see `lensing.multipole`."""

    m: int
    a_m: Number
    phi_m: Number
    x: Number
    y: Number

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return lensing.multipole(x - self.x, y - self.y, self.m, self.a_m, self.phi_m)


@dataclass(frozen=True)
class PointMasses:
    """Point masses of squared Einstein radii `masses` (..., K); see `halos.point_masses`."""

    masses: Tensor
    x: Tensor
    y: Tensor

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return halos.point_masses(x, y, self.masses, self.x, self.y)


@dataclass(frozen=True)
class Line:
    """A vortex line of squared Einstein radius `mass`; see `halos.line_mass`."""

    mass: Number
    half_length: Number
    phi: Number
    x: Number
    y: Number

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return halos.line_mass(x - self.x, y - self.y, self.mass, self.half_length, self.phi)


@dataclass(frozen=True)
class Nfw:
    """NFW haloes (..., K); see `halos.nfw`."""

    alpha_Rs: Tensor
    Rs: Tensor
    x: Tensor
    y: Tensor

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return halos.nfw(x, y, self.alpha_Rs, self.Rs, self.x, self.y)


@dataclass(frozen=True)
class TruncatedNfw:
    """Truncated NFW haloes (..., K); see `halos.truncated_nfw`."""

    alpha_Rs: Tensor
    Rs: Tensor
    r_trunc: Tensor
    x: Tensor
    y: Tensor

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return halos.truncated_nfw(x, y, self.alpha_Rs, self.Rs, self.r_trunc, self.x, self.y)


@dataclass(frozen=True)
class Sersic:
    """Sérsic profile; see `light.sersic`. A `magnitude` (C, 1, 1) gives one a band.

    With a `spectrum` it has colours, and the magnitude is that in a reference band; so have all
    lights with one.
    """

    magnitude: Number
    R_sersic: Number
    n: Number
    q: Number
    phi: Number
    x: Number
    y: Number
    spectrum: Spectrum | None = None

    def brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface brightness at positions in its plane [µJy/arcsec²]."""
        return light.sersic(
            x - self.x, y - self.y, self.magnitude, self.R_sersic, self.n, self.q, self.phi
        )


@dataclass(frozen=True)
class Spiral:
    """Disc with spiral arms; see `light.spiral`."""

    magnitude: Number
    R_sersic: Number
    q: Number
    phi: Number
    arms: Number
    contrast: Number
    pitch: Number
    x: Number
    y: Number
    spectrum: Spectrum | None = None

    def brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface brightness at positions in its plane [µJy/arcsec²]."""
        return light.spiral(
            x - self.x,
            y - self.y,
            self.magnitude,
            self.R_sersic,
            self.q,
            self.phi,
            self.arms,
            self.contrast,
            self.pitch,
        )


@dataclass(frozen=True)
class Ring:
    """Ring of Gaussian section; see `light.ring`."""

    magnitude: Number
    radius: Number
    width: Number
    q: Number
    phi: Number
    x: Number
    y: Number
    spectrum: Spectrum | None = None

    def brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface brightness at positions in its plane [µJy/arcsec²]."""
        return light.ring(
            x - self.x, y - self.y, self.magnitude, self.radius, self.width, self.q, self.phi
        )


@dataclass(frozen=True)
class GalaxyImage:
    """A real galaxy's image (C, h, w) [µJy/arcsec²]; see `light.image`."""

    pixels: Tensor
    pixel_scale: Number
    phi: Number
    x: Number
    y: Number
    interpolation: light.Interpolation = "bilinear"

    def brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface brightness (C, H, W) at positions in its plane [µJy/arcsec²]."""
        return light.image(
            x - self.x, y - self.y, self.pixels, self.pixel_scale, self.phi, self.interpolation
        )


@dataclass(frozen=True)
class SceneModel:
    """One scene as its parts: all mass is in one plane, all sources in another.

    Attributes:
        mass: What deflects.
        sources: What shines behind it.
        lights: What shines in front of it, lens light and neighbours.
    """

    mass: tuple[Deflector, ...] = ()
    sources: tuple[Light, ...] = ()
    lights: tuple[Light, ...] = ()

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Sum of the reduced deflection angles of all mass at field positions [arcsec]."""
        if not self.mass:
            return torch.zeros_like(x), torch.zeros_like(y)
        parts = [deflector.deflection(x, y) for deflector in self.mass]
        a_x, a_y = parts[0]
        for d_x, d_y in parts[1:]:
            a_x, a_y = a_x + d_x, a_y + d_y
        return a_x, a_y

    def brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface brightness (H, W) or (C, H, W) at field positions [µJy/arcsec²]."""
        shining = [part.brightness(x, y) for part in self.lights]
        if self.sources:
            a_x, a_y = self.deflection(x, y)
            beta_x, beta_y = x - a_x, y - a_y
            shining += [source.brightness(beta_x, beta_y) for source in self.sources]
        if not shining:
            return torch.zeros_like(x + y)
        sky = shining[0]
        for other in shining[1:]:
            sky = sky + other
        return sky
