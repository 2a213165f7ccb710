"""Gravitational imaging: the small change of a lens's potential that explains a residual.

To first order a change δψ of the potential changes the image by −∇S·∇δψ, where S is the source at
the place where a ray ends (Koopmans 2005, astro-ph/0501324). δψ is a cubic spline on a grid of
nodes, solved for together with small changes of the smooth lens. The prior is normal with a mean
squared convergence that makes the data most probable (MacKay 1992; Suyu et al. 2006,
astro-ph/0601493).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench_reference.lens_fitting.lens_fit import Optics

_WEIGHTS = torch.logspace(-8, 8, 81).double()
"""Weights of the prior that are tried."""


@dataclass(frozen=True)
class Nodes:
    """Where a spline has its nodes, about the centre of the field.

    Attributes:
        count: Along a side.
        half: From the centre to the outermost node [arcsec].
    """

    count: int = 22
    half: float = 2.2

    def along(self, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cubic B-splines (count, P) at places (P,) [arcsec], first and second derivatives."""
        step = 2 * self.half / (self.count - 1)
        centres = torch.linspace(-self.half, self.half, self.count, dtype=places.dtype)
        t = (places - centres[:, None]) / step
        near, sign = t.abs(), t.sign()
        far = (2 - near).clamp(min=0)
        inner = near < 1
        value = torch.where(inner, 2 / 3 - near**2 + near**3 / 2, far**3 / 6)
        slope = sign * torch.where(inner, 1.5 * near**2 - 2 * near, -(far**2) / 2)
        curve = torch.where(inner, 3 * near - 2, far)
        return value, slope / step, curve / step**2

    def convergence(self, places: Tensor) -> Tensor:
        """κ (count², P, P) = ½∇²δψ of each node, at places (P,) along both axes."""
        value, _, curve = self.along(places)
        return (_outer(value, curve) + _outer(curve, value)) / 2


def _outer(along_y: Tensor, along_x: Tensor) -> Tensor:
    """Products (count², P, P) of all splines along y with all along x."""
    return torch.einsum("ip,jq->ijpq", along_y, along_x).flatten(0, 1)


def convergence_correction(
    optics: Optics, image: Tensor, theta: Tensor, places: Tensor, nodes: Nodes | None = None
) -> Tensor:
    """The convergence (P, P) that has to be added to a fitted smooth lens.

    Args:
        optics: Of the smooth lens.
        image: (N, N) in units of σ.
        theta: Parameters of the fit (K,).
        places: Where the map is wanted, along both axes [arcsec].
        nodes: Of the spline.
    """
    nodes = nodes or Nodes()
    model, slopes = optics.linearised(theta[None])
    root = optics.variance(model)[0].rsqrt().flatten().double()
    smooth = slopes[0].flatten(1).double() * root
    design = _templates(optics, theta, nodes).flatten(1).double() * root
    white = ((image - model[0]).flatten().double()) * root
    base, _ = torch.linalg.qr(smooth.T)
    white, design = white - base @ (base.T @ white), design - (design @ base) @ base.T
    step = 2 * nodes.half / (nodes.count - 1)
    axis = torch.arange(-nodes.half, nodes.half, step / 2, dtype=torch.float64)
    kappa = nodes.convergence(axis).flatten(1)
    prior = kappa @ kappa.T / kappa.shape[1]
    prior = prior + 1e-6 * prior.diagonal().mean() * torch.eye(len(prior)).double()
    coefficients = _most_probable(design @ design.T, design @ white, prior)
    return torch.einsum("k,kpq->pq", coefficients, nodes.convergence(places.double()))


def _templates(optics: Optics, theta: Tensor, nodes: Nodes) -> Tensor:
    """Changes (count², N, N) of the image by each node, to first order, in units of σ."""
    gradient_x, gradient_y = optics.source_gradient(theta[None])
    value, slope, _ = nodes.along(optics.axis(theta.float()))
    rows = []
    for i in range(nodes.count):
        a_x = torch.einsum("p,jq->jpq", value[i], slope)
        a_y = torch.einsum("p,jq->jpq", slope[i], value)
        rows.append(optics.observe(-gradient_x * a_x - gradient_y * a_y))
    return torch.cat(rows)


def _most_probable(matrix: Tensor, gradient: Tensor, prior: Tensor) -> Tensor:
    """Coefficients (K,) under the prior's most probable weight.

    With A = T Tᵀ the prior's matrix, T⁻¹ M T⁻ᵀ is diagonal in a basis in which the evidence of a
    weight λ is −½ Σ [ln(1 + m/λ) − g²/(m + λ)].
    """
    lower = torch.linalg.cholesky(prior)
    inner = torch.linalg.solve_triangular(lower, matrix, upper=False)
    inner = torch.linalg.solve_triangular(lower, inner.T, upper=False)
    size, basis = torch.linalg.eigh((inner + inner.T) / 2)
    size = size.clamp(min=0)
    turned = basis.T @ torch.linalg.solve_triangular(lower, gradient[:, None], upper=False)[:, 0]
    weights = _WEIGHTS[:, None] * size.max()
    evidence = turned**2 / (size + weights) - torch.log1p(size / weights)
    weight = weights[evidence.sum(1).argmax()]
    solved = basis @ (turned / (size + weight))
    return torch.linalg.solve_triangular(lower.T, solved[:, None], upper=True)[:, 0]
