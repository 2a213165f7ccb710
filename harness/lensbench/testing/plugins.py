"""Checks one registered plugin by its kind."""

from __future__ import annotations

from lensbench.api.entry import Kind
from lensbench.errors import PluginError
from lensbench.registry import Catalogue
from lensbench.testing.encoders import check_encoder
from lensbench.testing.kinds import Candidate, checks_of


def check_plugin(catalogue: Catalogue, kind: Kind, name: str, encoder: str = "") -> None:
    """Checks metadata and contract of one plugin.

    Args:
        catalogue: Where it is registered.
        kind: What it is.
        name: With its options, where it needs some.
        encoder: Name of the encoder on which a pretraining strategy or a transfer is tried; for
            no other kind.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    item = catalogue.find(kind, name.partition(":")[0])
    for field, value in (("summary", item.entry.summary), ("licence", item.entry.licence)):
        if not value:
            raise PluginError(f"{kind} {item.entry.name!r} has no {field}", f"give Entry {field}=")
    candidate = Candidate.of(catalogue, item, name, encoder)
    if kind == "encoder":
        check_encoder(candidate.plugin)
    else:
        checks_of(candidate)["contract"]()
