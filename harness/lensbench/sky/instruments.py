"""Observing conditions of real instruments. Each number's source stands in `source`."""

from __future__ import annotations

from lensbench.api.condition import Condition
from lensbench.sky.ground import GROUND
from lensbench.sky.space import SPACE

CONDITIONS = {
    condition.name.upper().replace("-", "_"): condition for condition in (*SPACE, *GROUND)
}
"""All of them by the name of their attribute here, e.g. `EUCLID_VIS`."""

REFERENCE = ("hst-acs", "euclid-vis", "rubin-r", "des-r")
"""Names of those that a run tests under where it names none: sharp to blurred, deep to shallow."""


def __getattr__(name: str) -> Condition:
    try:
        return CONDITIONS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
