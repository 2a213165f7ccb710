"""How much arithmetic an answer takes."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from lensbench.api.predictor import Predictor
from lensbench.api.samples import Samples
from lensbench.cells.chance import seeded


def flops_of(predictor: Predictor, samples: Samples) -> float | None:
    """Floating-point operations of an answer for one image, encoder and head; two a MAC.

    Products of matrices, convolutions and attention are counted, as torch's counter does.

    Args:
        predictor: That answers.
        samples: One of which is answered for, without the features that it may carry.

    Returns:
        The number, or `None` where a predictor does not answer for one image by itself.
    """
    one = replace(samples.first(1), targets={}, features=None)
    counter = FlopCounterMode(display=False)
    try:
        with seeded(0), torch.no_grad(), counter:
            predictor(one)
    except Exception:  # plugins may raise anything, and the cell must not fail of a count
        return None
    return float(counter.get_total_flops())
