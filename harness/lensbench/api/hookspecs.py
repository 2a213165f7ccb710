"""Every hook that a plugin can implement. Each returns a list of `Entry`."""

from __future__ import annotations

import pluggy

from lensbench.api.entry import Entry

hookspec = pluggy.HookspecMarker("lensbench")
hookimpl = pluggy.HookimplMarker("lensbench")


@hookspec
def lensbench_encoders() -> list[Entry]:
    """Encoders: images to features. See `Encoder`."""
    return []


@hookspec
def lensbench_pretraining() -> list[Entry]:
    """Strategies that train an encoder before any task. See `Pretraining`."""
    return []


@hookspec
def lensbench_datasets() -> list[Entry]:
    """Sources of scenes with targets. See `Dataset`."""
    return []


@hookspec
def lensbench_tasks() -> list[Entry]:
    """Questions with a head, a loss and metrics. See `Task`."""
    return []


@hookspec
def lensbench_transfers() -> list[Entry]:
    """Ways of putting an encoder to a task. See `Transfer`."""
    return []


@hookspec
def lensbench_baselines() -> list[Entry]:
    """Predictors that need no encoder. See `Baseline`."""
    return []


@hookspec
def lensbench_conditions() -> list[Entry]:
    """Observing conditions; the target is a `Condition`. See `Condition`."""
    return []
