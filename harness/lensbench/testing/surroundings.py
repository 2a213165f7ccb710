"""Does a plugin leave global state alone: random states, settings and the device?"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensbench.errors import PluginError
from lensbench.testing.samples import made_samples
from lensbench.training.chance import chance_state
from lensbench.training.encoding import encode

Step = Callable[[], Any]


class InconclusiveError(Exception):
    """A check cannot be done here; the message says why."""


@contextlib.contextmanager
def untouched(what: str, chance: bool) -> Iterator[None]:
    """Checks that global state is the same after the block as before it.

    Args:
        what: What runs inside, for the message.
        chance: Whether random states are compared too. Making and fitting may draw from these, for
            the harness seeds them and restores them.

    Raises:
        PluginError: Naming what was changed.
    """
    before, drawn = _settings(), chance_state()
    yield
    after = _settings()
    for name, value in before.items():
        if after[name] != value:
            raise PluginError(
                f"{what} changed {name} from {value} to {after[name]}",
                "restore it, or do not change it",
            )
    if chance:
        for name, state in chance_state().items():
            if not _same(state, drawn[name]):
                raise PluginError(
                    f"{what} drew from the global random numbers of {name}",
                    "use a generator of your own, or the one that you are given",
                )


def check_surroundings(prepare: Callable[[], Step]) -> None:
    """Making and fitting leave settings alone; predicting leaves random states alone too.

    Args:
        prepare: Makes and fits what is needed; returns the step that draws no random numbers.

    Raises:
        PluginError: Naming what was changed.
    """
    with untouched("making it", chance=False):
        step = prepare()
    with untouched("calling it", chance=True):
        step()


def check_device(module: torch.nn.Module, call: Callable[[Any, torch.device], object]) -> None:
    """A module that was moved works where it is: no tensor of its own stays on the processor.

    Without an accelerator it is tried on torch's `meta` device, which knows shapes alone.

    Args:
        module: To be moved.
        call: Calls the moved module with inputs on the device.

    Raises:
        PluginError: Where tensors of two devices meet.
        InconclusiveError: Where the module looks at values, which the `meta` device has not.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "meta")
    try:
        call(copy.deepcopy(module).to(device), device)
    except NotImplementedError:
        raise InconclusiveError("it looks at values: try it on an accelerator") from None
    except (RuntimeError, TypeError) as error:
        mixed = any(words in str(error) for words in ("same device", "expected device"))
        if device.type == "meta" and not mixed:
            raise InconclusiveError("torch's meta device does not do it") from None
        raise PluginError(
            f"on another device: {str(error).splitlines()[0]}",
            "make tensors on the device of the images, and keep constants as buffers",
        ) from None


def check_encoder_device(encoder: Any, channels: int) -> None:
    """An encoder works on another device.

    Raises:
        PluginError: Where it does not.
        InconclusiveError: Where that cannot be told here.
    """
    samples = made_samples(count=3, channels=channels)
    check_device(encoder, lambda moved, device: encode(moved, samples.to(device)))


def _settings() -> dict[str, Any]:
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": str(torch.get_default_device()),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's determinism": torch.are_deterministic_algorithms_enabled(),
        "torch's matmul precision": torch.get_float32_matmul_precision(),
        "NumPy's error handling": np.geterr(),
        "the working folder": str(Path.cwd()),
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
