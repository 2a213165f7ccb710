"""Does a plugin set the attributes of its contract, and no misspelled ones?"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from lensbench.api import encoder as encoders
from lensbench.api.contracts import CONTRACTS
from lensbench.api.entry import Kind
from lensbench.api.plugin import Plugin
from lensbench.api.task import PredictionKind, Task
from lensbench.errors import PluginError, nearest

_NEAR = 0.85
"""How similar two names are, at least, for one to be a misspelling of the other."""

_ENCODERS = (
    encoders.MaskableEncoder,
    encoders.CodingEncoder,
    encoders.VariationalEncoder,
    encoders.EnergyEncoder,
    encoders.LayeredEncoder,
)
"""What some encoders can do beside their contract."""

_TYPES = (bool, int, float, str, tuple)


def check_attributes(kind: Kind, plugin: Any) -> None:
    """A plugin has what its contract requires, with the right types, and no near-miss of a name.

    Args:
        kind: Any but a condition.
        plugin: Made from its options.

    Raises:
        PluginError: Naming the attribute and what to do.
    """
    contract, cls = CONTRACTS[kind], type(plugin)
    if not isinstance(plugin, contract):
        raise PluginError(
            f"{cls.__name__} is not derived from lensbench.{contract.__name__}",
            f"write: class {cls.__name__}(lensbench.{contract.__name__}, …)",
        )
    required, defaults = _attributes_of(contract)
    for name in required:
        if name not in dir(plugin):
            raise PluginError(
                f"the {kind} has no attribute {name!r}", f"see lensbench.{contract.__name__}"
            )
    _check_spelling(plugin, contract)
    for name, default in defaults.items():
        _check_type(name, getattr(plugin, name), default)
    if isinstance(plugin, Task) and plugin.predicts not in get_args(PredictionKind):
        raise PluginError(
            f"predicts is {plugin.predicts!r}",
            nearest(str(plugin.predicts), get_args(PredictionKind)),
        )


def _attributes_of(contract: type[Plugin]) -> tuple[list[str], Mapping[str, Any]]:
    """Names that a contract requires, and the defaults of all others."""
    declared = {name for cls in contract.__mro__ for name in vars(cls).get("__annotations__", {})}
    required = sorted(name for name in declared if name not in dir(contract))
    return required, {name: getattr(contract, name) for name in declared - set(required)}


def _check_spelling(plugin: Any, contract: type[Plugin]) -> None:
    """No class of the plugin's package, nor the instance, has a near-miss of a contract's name.

    A name beside the one that it resembles is no misspelling.
    """
    required, _ = _attributes_of(contract)
    known = {*dir(contract), *required}
    if contract is encoders.Encoder:
        known |= {name for one in _ENCODERS for name in (*dir(one), *_annotated(one))}
    package = type(plugin).__module__.partition(".")[0]
    classes = [c for c in type(plugin).__mro__ if c.__module__.partition(".")[0] == package]
    for own in (vars(plugin), *map(vars, classes)):
        for name in sorted(own):
            if name.startswith("_") or name in known:
                continue
            near = difflib.get_close_matches(name, known - set(own), n=1, cutoff=_NEAR)
            if near and (name, near[0]) != ("options", "Options"):  # an instance of the class
                raise PluginError(
                    f"{type(plugin).__name__} has an attribute {name!r}, which nothing reads",
                    f"did you mean {near[0]!r}? if not, rename it",
                )


def _annotated(protocol: type) -> set[str]:
    return {name for cls in protocol.__mro__ for name in vars(cls).get("__annotations__", {})}


def _check_type(name: str, value: Any, default: Any) -> None:
    expected = type(default)
    if expected not in _TYPES:
        return
    allowed = (int, float) if expected is float else expected
    if not isinstance(value, allowed):
        raise PluginError(
            f"{name} is {value!r}, expected {expected.__name__}", f"by default it is {default!r}"
        )
