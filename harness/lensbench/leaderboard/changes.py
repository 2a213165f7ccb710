"""Changes of a score: tested, corrected for their number, and called better or worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lensbench.stats.crossed import Estimate
from lensbench.stats.multiplicity import benjamini_hochberg, holm

ALPHA = 0.05
MOST_ERRORS = 10.0
"""Standard errors of a difference: a test that needs more says nothing of what it does not show."""

CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
"""Against many tests: the chance of any false alarm, or the share of them."""

WORSE = ("worse", "failed", "lost")
"""Verdicts that are a regression."""


@dataclass(frozen=True)
class Change:
    """One score before and after.

    Attributes:
        where: Columns of records that both share.
        before, after: Score over all seeds; `None` where there is none.
        verdict: `better`, `worse`, `different` (of a metric without direction), `no difference
            shown`, `too many tests` (not significant, nor could it be below `MOST_ERRORS` standard
            errors), `no interval` (of one scene), `same` (the very predictions), `failed` or `lost`
            (done before, failed or absent after), `new`, or `not scored` on either side.
        difference: After less before; `None` where either is missing.
        method: `paired` by scene; `unpaired`, on other scenes; or `records`, from their intervals
            alone, which is too wide where the scenes are the same.
        p: Two-sided, corrected; NaN where there was no test.
        detectable: The smallest true difference that would have been found four times in five, at
            the level that the correction leaves; NaN where there was no test.
        critical: How many standard errors a difference needs at that level to be significant.
    """

    where: Mapping[str, Any]
    before: float | None
    after: float | None
    verdict: str
    difference: Estimate | None = None
    method: str = ""
    p: float = float("nan")
    detectable: float = float("nan")
    critical: float = float("nan")

    @property
    def is_regression(self) -> bool:
        """Whether something got worse or was lost."""
        return self.verdict in WORSE


def tested(changes: list[Change], correction: str) -> list[Change]:
    """Changes with corrected p-values and the verdicts that follow from these."""
    known = [one.difference for one in changes if one.difference is not None]
    corrected = iter(CORRECTIONS[correction](np.array([one.p for one in known])))
    return [
        _verdict(one, one.difference, float(next(corrected)), len(known)) if one.difference else one
        for one in changes
    ]


def _verdict(change: Change, found: Estimate, p: float, tests: int) -> Change:
    up = change.where["higher_is_better"]
    critical = found.critical(ALPHA / tests)
    verdict = "too many tests" if critical > MOST_ERRORS else "no difference shown"
    if p < ALPHA and up is None:
        verdict = "different"
    elif p < ALPHA:
        verdict = "better" if (found.value > 0) == up else "worse"
    detectable = found.detectable(ALPHA / tests)
    return replace(change, p=p, verdict=verdict, detectable=detectable, critical=critical)


def power_note(changes: Sequence[Change]) -> str:
    """What a family of tests is too large to show, in a sentence; empty where it is not."""
    needed = [one.critical for one in changes if one.critical > MOST_ERRORS]
    if not needed:
        return ""
    tests = sum(one.difference is not None for one in changes)
    return (
        f"With {tests} tests and so few seeds, {len(needed)} of the differences would have to be "
        f"at least {min(needed):.0f} standard errors to be significant: read their intervals, or "
        "declare the comparisons that matter as contrasts of the study."
    )


def rows_of(changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """Changes as plain rows, for JSON and tables of numbers."""
    for one in changes:
        found = one.difference
        facts = {name: value for name, value in one.where.items() if name != "higher_is_better"}
        yield facts | {
            "before": one.before,
            "after": one.after,
            "verdict": one.verdict,
            "method": one.method or None,
            "difference": found.value if found else None,
            "low": _number(found.low) if found else None,
            "high": _number(found.high) if found else None,
            "p": _number(one.p),
            "detectable": _number(one.detectable),
            "critical": _number(one.critical),
            "n": found.n if found else None,
            "fits": found.fits if found else None,
            "counted": list(found.counted) if found else None,
        }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
