"""Functions of a parameter, a plain number or a tensor.

One scene's parameters are plain numbers where speed counts: a tensor without dimensions costs a
microsecond an operation, and a scene has hundreds. Where they are tensors, of many scenes or to
be differentiated, the same formula goes through torch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Number = float | Tensor


def sqrt(value: Number) -> Number:
    """Square root."""
    return torch.sqrt(value) if isinstance(value, Tensor) else math.sqrt(value)


def cos(value: Number) -> Number:
    """Cosine."""
    return torch.cos(value) if isinstance(value, Tensor) else math.cos(value)


def sin(value: Number) -> Number:
    """Sine."""
    return torch.sin(value) if isinstance(value, Tensor) else math.sin(value)


def log(value: Number) -> Number:
    """Natural logarithm."""
    return torch.log(value) if isinstance(value, Tensor) else math.log(value)


def lgamma(value: Number) -> Number:
    """Logarithm of the gamma function."""
    return torch.lgamma(value) if isinstance(value, Tensor) else math.lgamma(value)


def at_most(value: Number, bound: float) -> Number:
    """The smaller of a value and a bound."""
    return value.clamp(max=bound) if isinstance(value, Tensor) else min(value, bound)
