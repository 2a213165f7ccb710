"""How much arithmetic a prediction takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from lensbench.api.predictor import Predictor
from lensbench.api.samples import Samples
from lensbench.training.chance import seeded


def flops_of(predictor: Predictor, samples: Samples) -> float | None:
    """Floating-point operations of a prediction for one image, encoder and head; two a MAC.

    Products of matrices, convolutions and attention are counted, as torch's counter does.

    Args:
        predictor: That answers.
        samples: One of which is answered for, without the features that it may carry.

    Returns:
        The number, or `None` where a predictor does not answer for one image by itself.
    """
    one = replace(samples.first(1), targets={}, features=None)
    counter = _Counter()  # type: ignore[no-untyped-call]
    try:
        with seeded(0), torch.no_grad(), counter:
            predictor(one)
    except Exception:  # plugins may raise anything, and the cell must not fail of a count
        return None
    return float(counter.total)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """torch's own `FlopCounterMode` without its search for ways to write an operation by others.

    What is written by others, as a linear layer is by a product of matrices, is so before it comes
    here; the search takes a second where a deconvolution takes ten thousand small steps.
    """

    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        answer = func(*args, **named)
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.total += count(*args, **named, out_val=answer)
        return answer
