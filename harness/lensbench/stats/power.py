"""Smallest differences that a paired t-test can detect."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, special


def detectable(se: float, df: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest true difference that a two-sided t-test finds with this power.

    Args:
        se: Standard error of the difference.
        df: Its degrees of freedom.
        alpha: Probability of a false alarm, after correction for the number of tests.
        power: Probability of finding the difference.

    Returns:
        The difference, in the unit of `se`, from the noncentral t distribution; NaN without
        degrees of freedom or without spread.

    Raises:
        ValueError: Where alpha or power is not between 0 and 1, or alpha is above power.
    """
    if not 0 < alpha < power < 1:
        raise ValueError(f"need 0 < alpha < power < 1, got alpha {alpha} and power {power}")
    if not (df > 0 and se > 0):
        return math.nan
    if math.isinf(df):
        return se * float(special.ndtri(1 - alpha / 2) + special.ndtri(power))
    critical = float(special.stdtrit(df, 1 - alpha / 2))

    def short(noncentrality: float) -> float:
        # SciPy gives NaN for the far tail where it is less than about 1e-16
        tails = special.nctdtr(df, noncentrality, [-critical, critical])
        below, inside = np.nan_to_num(tails)
        return float(below + 1 - inside) - power

    guess = critical + abs(float(special.stdtrit(df, power)))
    return se * float(optimize.brentq(short, 0.0, 4 * guess, xtol=1e-6))


def detectable_with(n: int, sd: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The same for `n` scenes whose paired differences have this standard deviation."""
    if n < 2:
        return math.nan
    return detectable(sd / math.sqrt(n), n - 1, alpha, power)
