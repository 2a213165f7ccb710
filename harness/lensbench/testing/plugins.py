"""Checks one registered plugin by its kind."""

from __future__ import annotations

from lensbench.api.entry import Kind
from lensbench.errors import PluginError
from lensbench.registry import Catalogue
from lensbench.testing.baselines import check_baseline
from lensbench.testing.datasets import check_dataset
from lensbench.testing.encoders import check_encoder
from lensbench.testing.kinds import check_condition
from lensbench.testing.pretraining import check_pretraining
from lensbench.testing.tasks import check_task
from lensbench.testing.transfers import check_transfer


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
    entry = catalogue.find(kind, name.partition(":")[0]).entry
    for field in ("summary", "licence"):
        if not getattr(entry, field):
            raise PluginError(f"{kind} {entry.name!r} has no {field}", f"give Entry {field}=")
    if kind == "encoder":
        check_encoder(catalogue.build(kind, name, channels=1))
    elif kind == "task":
        check_task(catalogue.build(kind, name))
    elif kind == "dataset":
        check_dataset(catalogue.build(kind, name))
    elif kind == "pretraining":
        built = catalogue.build("encoder", encoder, channels=1)
        check_pretraining(catalogue.build(kind, name), built)
    elif kind == "transfer":
        built = catalogue.build("encoder", encoder, channels=1)
        for task in entry.tasks or ("",):
            check_transfer(catalogue.build(kind, name), built, task)
    elif kind == "baseline":
        for task in entry.tasks or ("",):
            check_baseline(catalogue.build(kind, name), task)
    else:
        check_condition(catalogue.build(kind, name))
