"""What this package registers. lensbench reads it at every start: nothing heavy is imported."""

from __future__ import annotations

import lensbench
from lensbench import Entry

lensbench_api = 2
"""The `lensbench.API_VERSION` that this package was written for."""


@lensbench.hookimpl
def lensbench_encoders() -> list[Entry]:
    """The encoder of this package."""
    return [
        Entry(
            "polar",
            "example_plugin.polar:Polar",
            summary="Light in rings and sectors around the centre, and two layers.",
            licence="MIT",
        )
    ]


@lensbench.hookimpl
def lensbench_datasets() -> list[Entry]:
    """The dataset of this package."""
    return [
        Entry(
            "arcs",
            "example_plugin.arcs:Arcs",
            summary="Arcs of light: parts of rings.",
            licence="MIT",
            targets=("sky", "opening"),
        )
    ]


@lensbench.hookimpl
def lensbench_tasks() -> list[Entry]:
    """The task of this package."""
    return [
        Entry(
            "opening",
            "example_plugin.opening:Opening",
            summary="The angle over which an arc extends.",
            licence="MIT",
        )
    ]
