"""The precision of a training's products."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16"]


def products_in(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """A context in which matrix products and convolutions are computed in this precision.

    Args:
        precision: `bf16` for bfloat16 products with sums in float32, or `fp32` for all in float32.
        device: Where they are computed.
    """
    import torch

    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
