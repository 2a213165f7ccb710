"""The promise to plugins: versions of the interface, what changed in each, and what is leaving.

The interface is what `lensbench` exports and the hooks. Its version goes up by one when a plugin
that worked may not work any more, and at no other time.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lensbench.errors import PluginError

API_VERSION = 2
"""Version of the interface between lensbench and its plugins."""

CHANGES: Mapping[int, str] = {
    1: "the first version",
    2: "plugin classes derive from lensbench.Encoder, Task and so on; a task declares predicts; "
    "fits report lensbench.Progress; TrainingLoop has rates, and is given a checkpoint of the "
    "FitContext; populations derive from lensbench.ScenePopulation; Observed is ObservedImages",
}
"""What each version asks of a plugin that was written for the one before it."""

Function = TypeVar("Function", bound=Callable[..., Any])


def changes_since(written_for: object) -> str:
    """What a plugin for this version of the interface has to know; empty where it is current.

    Raises:
        PluginError: Where the version is newer than this one, or no version.
    """
    if not isinstance(written_for, int) or isinstance(written_for, bool) or written_for < 1:
        raise PluginError(
            f"lensbench_api = {written_for!r}, expected a whole number from 1 to {API_VERSION}",
            "it is the lensbench.API_VERSION that the plugin was written for",
        )
    if written_for > API_VERSION:
        raise PluginError(
            f"written for version {written_for} of the interface; "
            f"this lensbench has version {API_VERSION}: upgrade lensbench",
            "upgrade lensbench",
        )
    later = range(written_for + 1, API_VERSION + 1)
    return "; ".join(f"version {version}: {CHANGES[version]}" for version in later)


def deprecated(since: int, instead: str) -> Callable[[Function], Function]:
    """Marks a public function or class that a later version of the interface will not have.

    It goes on working and warns its caller at every call.

    Args:
        since: Version of the interface in which it is deprecated.
        instead: What to write in its place.
    """

    def mark(thing: Function) -> Function:
        if isinstance(thing, type):
            thing.__init__ = _warning(thing.__init__, thing.__name__, since, instead)  # type: ignore[misc]
            return thing
        marked: Any = _warning(thing, thing.__name__, since, instead)
        return marked  # type: ignore[no-any-return]

    return mark


def _warning(
    function: Callable[..., Any], name: str, since: int, instead: str
) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*words: Any, **named: Any) -> Any:
        warnings.warn(
            f"lensbench.{name} is deprecated since version {since} of the interface: {instead}",
            DeprecationWarning,
            stacklevel=2,
        )
        return function(*words, **named)

    return called
