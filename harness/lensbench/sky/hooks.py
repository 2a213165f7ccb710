"""Registers the observing conditions that come with the harness."""

from __future__ import annotations

from lensbench.api.entry import Entry
from lensbench.api.hookspecs import hookimpl
from lensbench.sky import grades, instruments, multiband


@hookimpl
def lensbench_conditions() -> list[Entry]:
    """The named instruments, those of several bands, the graded axes and the user's own."""
    homes = (instruments, multiband, grades)
    reference = (*instruments.REFERENCE, *multiband.REFERENCE)
    return [
        *(
            Entry(
                condition.name,
                f"{home.__name__}:{attribute}",
                summary=condition.summary,
                citation=condition.source,
                licence="MIT",
                reference=condition.name in reference,
                bands=multiband.letters(condition),
            )
            for home in homes
            for attribute, condition in home.CONDITIONS.items()
        ),
        Entry(
            "custom",
            "lensbench.sky.custom:CustomCondition",
            summary="A condition of your own: another one with some numbers or the PSF replaced.",
            licence="MIT",
        ),
        Entry(
            "bands",
            "lensbench.sky.multiband:Bands",
            summary="Several conditions of one filter each, as the channels of an image.",
            licence="MIT",
        ),
    ]
