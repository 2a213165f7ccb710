"""What a plugin's hook returns: a name, an import path and what is worth knowing before import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["encoder", "pretraining", "dataset", "task", "transfer", "baseline", "condition"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Entry:
    """One plugin, named and described without importing it.

    Attributes:
        name: What the user types; lower case, words joined by hyphens.
        target: `"package.module:Attribute"`, imported only when the plugin is used.
        summary: One sentence for `lensbench list`.
        citation: Whom to cite: author and year with arXiv number or DOI.
        licence: SPDX identifier.
        pretraining: Encoders: the pretraining used when the call names none.
        reference: Encoders: ranked in every run's table beside the entrant asked for.
            Conditions: tested under by every run that names none.
        tasks: Baselines and transfers: the tasks that they can do; a transfer that names none
            does all.
        targets: Datasets: names of the targets that they provide.
        conditions: Datasets of images that were observed already: the conditions that these are
            under. Such a condition is no other dataset's.
    """

    name: str
    target: str
    summary: str = ""
    citation: str = ""
    licence: str = ""
    pretraining: str = "none"
    reference: bool = False
    tasks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
