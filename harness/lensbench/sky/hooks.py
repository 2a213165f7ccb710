"""Registers the observing conditions that come with the harness."""

from __future__ import annotations

from lensbench.api.entry import Entry
from lensbench.api.hookspecs import hookimpl
from lensbench.sky.instruments import CONDITIONS


@hookimpl
def lensbench_conditions() -> list[Entry]:
    """The named instruments."""
    return [
        Entry(
            condition.name,
            f"lensbench.sky.instruments:{attribute}",
            summary=condition.summary,
            citation=condition.source,
            licence="MIT",
        )
        for attribute, condition in CONDITIONS.items()
    ]
