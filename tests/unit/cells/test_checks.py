"""Cells that cannot work are refused before anything runs."""

import pytest
from tests.runs import run_cells

from lensbench.cells.checks import Checks
from lensbench.cells.plugins import Plugins
from lensbench.errors import IncompatibleError
from lensbench.registry import load_catalogue


def check(task: str, conditions: list[str], baseline: str = "bicubic") -> None:
    catalogue = load_catalogue()
    options = {"baseline": baseline, "test_conditions": conditions}
    Checks(Plugins(catalogue)).check(run_cells(catalogue, task, **options)[0])


def test_a_target_that_divides_pixels_is_asked_for_under_one_pixel_scale_only() -> None:
    """A row under several has to have one target, so `scale` goes with pixels that are alike."""
    check("superres:scale=2", ["psf@2", "depth@3"])
    with pytest.raises(IncompatibleError) as caught:
        check("superres:scale=2", ["psf@2", "rubin-r"])
    assert "pixels of 0.1 arcsec under 'rubin-r', and of 0.0505 arcsec" in caught.value.message
    assert "leave out scale" in caught.value.hint
    check("superres", ["psf@2", "rubin-r"])
    check("denoising", ["psf@2", "rubin-r"], "wiener")
