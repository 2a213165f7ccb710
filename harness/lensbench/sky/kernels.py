"""Deflections and profiles in single precision, compiled: the formulas of `lensing` and `light`.

Each adds to what is there already, at all rays of a square sky. Loops along rows have no branch
and no call in them, so that a compiler turns them into vector instructions; logarithms, powers and
angles are therefore polynomials, good to the last digits of single precision. What is compiled is
kept beside this file or, where that can't be written, in the user's cache. No kernel calls another:
LLVM would optimise the called one twice, and what is loaded from the cache could round otherwise
than what was just compiled.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

Array = np.ndarray[Any, np.dtype[np.float32]]

_FAST = {"nsz", "arcp", "contract", "reassoc"}
"""Sums may be reordered and fused; infinities and NaN are what they are."""

_F = np.float32
_I = np.int32
_SOFTENING = _F(1e-12)
_PI = _F(math.pi)

UNROLLED = 4
"""Coefficients of an EPL's series that are summed in one pass along a row."""


def _kernel(function: Any) -> Any:
    return njit(fastmath=_FAST, error_model="numpy", cache=True, nogil=True)(function)


@intrinsic
def _in_wide_vectors(_: Any) -> Any:
    """Has a kernel compiled for vectors of 512 bits, where LLVM would keep to 256.

    Only for kernels without the inverse of a square root, whose approximation depends on the width.
    """

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        # the `add` of the attributes' own class refuses those that it does not know
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


@njit(inline="always")
def _log2(x: Any) -> Any:
    """Logarithm of a positive number (the polynomial of Cephes' `logf`)."""
    bits = _F(x).view(np.int32)
    exponent = (bits - _I(0x3F3504F3)) >> _I(23)
    m = _I(bits - (exponent << _I(23))).view(np.float32) - _F(1)
    p = _F(7.0376836292e-2) * m - _F(1.1514610310e-1)
    p = p * m + _F(1.1676998740e-1)
    p = p * m - _F(1.2420140846e-1)
    p = p * m + _F(1.4249322787e-1)
    p = p * m - _F(1.6668057665e-1)
    p = p * m + _F(2.0000714765e-1)
    p = p * m - _F(2.4999993993e-1)
    p = p * m + _F(3.3333331174e-1)
    squared = m * m
    return _F(exponent) + (m + squared * (m * p - _F(0.5))) * _F(1.4426950408889634)


@njit(inline="always")
def _exp2(x: Any) -> Any:
    """Two to a power (the polynomial of Cephes' `exp2f`), zero below 2^-126."""
    x = max(_F(-126), min(_F(127), x))
    whole = np.floor(x + _F(0.5))
    f = x - whole
    p = _F(1.535336188319500e-4) * f + _F(1.339887440266574e-3)
    p = p * f + _F(9.618437357674640e-3)
    p = p * f + _F(5.550332471162809e-2)
    p = p * f + _F(2.402264791363012e-1)
    p = p * f + _F(6.931472028550421e-1)
    p = p * f + _F(1)
    return p * _I((_I(whole) + _I(127)) << _I(23)).view(np.float32)


@njit(inline="always")
def _atan(x: Any) -> Any:
    """Arc tangent (Abramowitz & Stegun 4.4.49, to 2e-8)."""
    size = abs(x)
    t = _F(1) / size if size > _F(1) else size
    squared = t * t
    p = _F(-0.0040540580) * squared + _F(0.0218612288)
    p = p * squared - _F(0.0559098861)
    p = p * squared + _F(0.0964200441)
    p = p * squared - _F(0.1390853351)
    p = p * squared + _F(0.1994653599)
    p = p * squared - _F(0.3332985605)
    p = p * squared + _F(0.9999993329)
    angle = _PI / _F(2) - p * t if size > _F(1) else p * t
    return angle if x >= _F(0) else -angle


@_kernel
def add_point_masses(
    a_x: Array, a_y: Array, axis: Array, masses: Array, x: Array, y: Array
) -> None:
    """Adds the deflection of point masses; see `halos.point_masses`.

    Args:
        a_x, a_y: Deflection (N, N) that is added to [arcsec].
        axis: Positions (N,) of columns, and of rows [arcsec].
        masses: Squared Einstein radii (K,) [arcsec²].
        x, y: Positions (K,) [arcsec].
    """
    n = len(axis)
    for j in range(n):
        for k in range(len(masses)):
            d_y, mass, at = axis[j] - y[k], masses[k], x[k]
            y_squared = d_y * d_y + _SOFTENING
            for i in range(n):
                d_x = axis[i] - at
                weight = mass / (d_x * d_x + y_squared)
                a_x[j, i] += weight * d_x
                a_y[j, i] += weight * d_y


@_kernel
def add_epl(a_x: Array, a_y: Array, axis: Array, lens: Array, series: Array) -> None:
    """Adds the deflection of an elliptical power law; see `lensing.epl`.

    Args:
        a_x, a_y: Deflection (N, N) that is added to [arcsec].
        axis: Positions (N,) of columns, and of rows [arcsec].
        lens: x, y [arcsec], cosine and sine of the position angle, axis ratio, factor of all
            [arcsec], b² [arcsec²] and (t − 1)/2.
        series: Coefficients of the angular series, filled up to whole passes by zeros.
    """
    x0, y0, cos, sin, q, scale, b_squared, power = lens
    n = len(axis)
    c, s, twice = np.empty(n, _F), np.empty(n, _F), np.empty(n, _F)
    radial, above, last = np.empty(n, _F), np.empty(n, _F), np.empty(n, _F)
    for j in range(n):
        y = axis[j] - y0
        for i in range(n):
            x = axis[i] - x0
            u, v = q * (x * cos + y * sin), y * cos - x * sin
            squared = u * u + v * v + _SOFTENING
            inverse = _F(1) / np.sqrt(squared)
            c[i], s[i], radial[i] = u * inverse, v * inverse, squared
            twice[i] = _F(2) * (c[i] * c[i] - s[i] * s[i])
            above[i], last[i] = _F(0), _F(0)
        if power == _F(0):
            radial[:] = scale
        else:
            for i in range(n):
                radial[i] = scale * _exp2(power * _log2(b_squared / radial[i]))
        for k in range(len(series) - UNROLLED, -1, -UNROLLED):
            c_0, c_1, c_2, c_3 = series[k], series[k + 1], series[k + 2], series[k + 3]
            for i in range(n):
                b_4, b_5 = above[i], last[i]
                b_3 = c_3 - b_5 + twice[i] * b_4
                b_2 = c_2 - b_4 + twice[i] * b_3
                b_1 = c_1 - b_3 + twice[i] * b_2
                above[i], last[i] = c_0 - b_2 + twice[i] * b_1, b_1
        for i in range(n):
            a_u = radial[i] * c[i] * (above[i] - last[i])
            a_v = radial[i] * s[i] * (above[i] + last[i])
            a_x[j, i] += a_u * cos - a_v * sin
            a_y[j, i] += a_v * cos + a_u * sin


@_kernel
def add_shear(a_x: Array, a_y: Array, axis: Array, lens: Array) -> None:
    """Adds external shear; see `lensing.shear`.

    Args:
        a_x, a_y: Deflection (N, N) that is added to [arcsec].
        axis: Positions (N,) of columns, and of rows [arcsec].
        lens: x, y [arcsec], γ₁ and γ₂.
    """
    x0, y0, gamma_1, gamma_2 = lens
    for j in range(len(axis)):
        y = axis[j] - y0
        for i in range(len(axis)):
            x = axis[i] - x0
            a_x[j, i] += gamma_1 * x + gamma_2 * y
            a_y[j, i] += gamma_2 * x - gamma_1 * y


@_kernel
def add_multipole(a_x: Array, a_y: Array, axis: Array, m: int, lens: Array) -> None:
    """Adds the deflection of a multipole; see `lensing.multipole`.

    Args:
        a_x, a_y: Deflection (N, N) that is added to [arcsec].
        axis: Positions (N,) of columns, and of rows [arcsec].
        m: Order.
        lens: x, y, a_m/(1 − m²) times cosine and sine of m φ_m [arcsec].
    """
    x0, y0, even, odd = lens
    n = len(axis)
    c, s, c_m, s_m = np.empty(n, _F), np.empty(n, _F), np.empty(n, _F), np.empty(n, _F)
    order = _F(m)
    for j in range(n):
        y = axis[j] - y0
        for i in range(n):
            x = axis[i] - x0
            inverse = _F(1) / np.sqrt(x * x + y * y + _SOFTENING)
            c[i], s[i] = x * inverse, y * inverse
            c_m[i], s_m[i] = c[i], s[i]
        for _ in range(m - 1):
            for i in range(n):
                before = c_m[i]
                c_m[i] = before * c[i] - s_m[i] * s[i]
                s_m[i] = s_m[i] * c[i] + before * s[i]
        for i in range(n):
            radial = even * c_m[i] + odd * s_m[i]
            tangential = order * (even * s_m[i] - odd * c_m[i])
            a_x[j, i] += c[i] * radial + s[i] * tangential
            a_y[j, i] += s[i] * radial - c[i] * tangential


@_kernel
def add_line(a_x: Array, a_y: Array, axis: Array, lens: Array) -> None:
    """Adds the deflection of a straight line of mass; see `halos.line_mass`.

    Args:
        a_x, a_y: Deflection (N, N) that is added to [arcsec].
        axis: Positions (N,) of columns, and of rows [arcsec].
        lens: x, y [arcsec], cosine and sine of the line's angle, half its length [arcsec], and the
            squared Einstein radius over its length [arcsec].
    """
    _in_wide_vectors()  # type: ignore[call-arg]
    x0, y0, cos, sin, half, density = lens
    for j in range(len(axis)):
        y = axis[j] - y0
        for i in range(len(axis)):
            x = axis[i] - x0
            u, v = x * cos + y * sin, y * cos - x * sin
            right, left, squared = u - half, u + half, v * v + _SOFTENING
            ratio = (left * left + squared) / (right * right + squared)
            a_u = density * _F(0.5 * math.log(2)) * _log2(ratio)
            opposite, adjacent = _F(2) * half * v, left * right + squared
            angle = _atan(opposite / adjacent)  # between the directions to both ends
            beyond = _PI if v >= _F(0) else -_PI
            a_v = density * (angle if adjacent >= _F(0) else angle + beyond)
            a_x[j, i] += a_u * cos - a_v * sin
            a_y[j, i] += a_v * cos + a_u * sin


@_kernel
def shine(sky: Array, x: Array, y: Array, lights: Array) -> None:
    """Adds Sérsic profiles in turn; see `light.sersic`.

    Args:
        sky: Surface brightness (N, N) that is added to [µJy/arcsec²].
        x, y: Positions (N, N) in their plane [arcsec].
        lights: Of each (K, 8): x, y [arcsec], factors of x², xy and y² in the squared radius, 1/2n,
            and, to base two, b_n R^(−1/n) and the logarithm of the brightness at the centre.
    """
    _in_wide_vectors()  # type: ignore[call-arg]
    for j in range(x.shape[0]):
        for k in range(len(lights)):
            x0, y0, xx, xy, yy, power, rate, peak = lights[k]
            for i in range(x.shape[1]):
                d_x, d_y = x[j, i] - x0, y[j, i] - y0
                squared = d_x * (xx * d_x + xy * d_y) + yy * d_y * d_y + _SOFTENING
                sky[j, i] += _exp2(peak - rate * _exp2(power * _log2(squared)))
