"""What this package registers."""

from __future__ import annotations

import lensbench
from lensbench import Entry
from lensbench_reference.baselines import entries as baselines
from lensbench_reference.datasets import entries as datasets
from lensbench_reference.encoders import entries as encoders
from lensbench_reference.pretraining import entries as pretraining
from lensbench_reference.tasks import entries as tasks
from lensbench_reference.transfers import entries as transfers


@lensbench.hookimpl
def lensbench_encoders() -> list[Entry]:
    """Encoders."""
    return encoders.ENTRIES


@lensbench.hookimpl
def lensbench_pretraining() -> list[Entry]:
    """Pretraining strategies."""
    return pretraining.ENTRIES


@lensbench.hookimpl
def lensbench_datasets() -> list[Entry]:
    """Datasets."""
    return datasets.ENTRIES


@lensbench.hookimpl
def lensbench_conditions() -> list[Entry]:
    """Conditions."""
    return datasets.CONDITIONS


@lensbench.hookimpl
def lensbench_tasks() -> list[Entry]:
    """Tasks."""
    return tasks.ENTRIES


@lensbench.hookimpl
def lensbench_transfers() -> list[Entry]:
    """Transfers."""
    return transfers.ENTRIES


@lensbench.hookimpl
def lensbench_baselines() -> list[Entry]:
    """Traditional methods."""
    return baselines.ENTRIES
