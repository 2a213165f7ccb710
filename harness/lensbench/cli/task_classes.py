"""The class target of a task, and its normal class: what pictures of predictions are drawn by."""

from __future__ import annotations

import functools

from lensbench.errors import LensbenchError


@functools.cache
def class_of(task: str) -> tuple[str, str]:
    """The class target of a task, as records name it, and the class that is normal, or no text.

    Of a task that is not installed here nothing is known.
    """
    from lensbench.registry import load_catalogue

    try:
        built = load_catalogue().build("task", task)
    except LensbenchError:
        return "", ""
    return built.normal or (built.targets[0] if built.targets else "", "")
