"""What a plugin's hook returns: a name, an import path and what is worth knowing before import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from lensbench.errors import PluginError

Kind = Literal["encoder", "pretraining", "dataset", "task", "transfer", "baseline", "condition"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*/)?[a-z0-9][a-z0-9_.@-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Entry:
    """One plugin, named and described without importing it.

    Attributes:
        name: What the user types; lower case, words joined by hyphens. Where another package has
            the name already, the plugin is reached as `package/name`.
        target: `"package.module:Attribute"`, imported only when the plugin is used.
        summary: One sentence for `lensbench list`.
        citation: Whom to cite: author and year with arXiv number or DOI.
        licence: SPDX identifier.
        pretraining: Encoders: the pretraining used when the call names none.
        short_for: Another entry of the package with options, e.g. `my-vit:weights=small`, which
            this name is short for; tables have the long form. The `target` is that of the other.
        reference: Encoders: ranked in the table of every run beside its entrant.
            Conditions: every run that names no test condition tests under those of them that have
            the bands of its training condition.
        tasks: Baselines and transfers: the tasks that they can do; a transfer that names none
            does all.
        by_name: Baselines: those of their tasks that they do only where they are named, because
            they need far longer there than networks.
        targets: Datasets: names of the targets that they provide.
        conditions: Datasets of images that were observed already: the conditions that these are
            under. No other dataset has such a condition.
        bands: Conditions of several filters: what these are called, e.g. `("g", "r", "i")`.
    """

    name: str
    target: str
    summary: str = ""
    citation: str = ""
    licence: str = ""
    pretraining: str = "none"
    short_for: str = ""
    reference: bool = False
    tasks: tuple[str, ...] = ()
    by_name: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, pattern, example in (
            ("name", _NAME, "lower-case words joined by hyphens, e.g. my-vit"),
            ("target", _TARGET, "an import path, e.g. my_package.vit:MyViT"),
        ):
            value = vars(self)[field]
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise PluginError(f"Entry {field} is {value!r}, expected {example}")
        for field in ("summary", "citation", "licence", "pretraining", "short_for"):
            if not isinstance(value := vars(self)[field], str):
                raise PluginError(f"Entry {self.name!r}: {field} is {value!r}, expected text")
        for field in ("tasks", "by_name", "targets", "conditions", "bands"):
            value = vars(self)[field]
            if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
                raise PluginError(
                    f"Entry {self.name!r}: {field} is {value!r}, expected a tuple of names"
                )
