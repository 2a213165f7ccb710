"""The contract of each kind of plugin."""

from __future__ import annotations

from collections.abc import Mapping

from lensbench.api.dataset import Dataset
from lensbench.api.encoder import Encoder
from lensbench.api.entry import Kind
from lensbench.api.plugin import Plugin
from lensbench.api.predictor import Baseline, Transfer
from lensbench.api.pretraining import Pretraining
from lensbench.api.task import Task

CONTRACTS: Mapping[Kind, type[Plugin]] = {
    "encoder": Encoder,
    "pretraining": Pretraining,
    "dataset": Dataset,
    "task": Task,
    "transfer": Transfer,
    "baseline": Baseline,
}
"""Base class of the plugins of each kind; a condition is a value and has none."""
