"""Cells that cannot work are refused before anything runs."""

import pytest
from tests.runs import run_cells

from lensbench.cells.checks import Checks
from lensbench.cells.plugins import Plugins
from lensbench.errors import IncompatibleError
from lensbench.registry import load_catalogue


def check(task: str, conditions: list[str], baseline: str = "bicubic", **named: str) -> None:
    catalogue = load_catalogue()
    options = {"baseline": baseline, "test_conditions": conditions, **named}
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


def test_images_of_other_bands_are_refused_by_name() -> None:
    """Trained in three bands, nothing is tested in one."""
    bands = {"train_condition": "rubin-gri", "baseline": "spectrum-logreg"}
    check("morphology", ["hsc-gri"], **bands)
    with pytest.raises(IncompatibleError) as caught:
        check("morphology", ["rubin-r"], **bands)
    expected = "'lenses' has 1 bands under 'rubin-r', and 'lenses' has 3 under 'rubin-gri'"
    assert caught.value.message == expected


@pytest.mark.parametrize("task", ["superres", "denoising"])
def test_skies_are_of_one_band(task: str) -> None:
    """Tasks whose target is the sky are refused several bands, and name one of them."""
    with pytest.raises(IncompatibleError) as caught:
        check(task, ["hsc-gri"], "bicubic", train_condition="rubin-gri")
    assert caught.value.message == f"task {task!r} has images of one band, and 'rubin-gri' has 3"
    assert caught.value.hint == "name one of them, e.g. rubin-r"


@pytest.mark.parametrize("population", ["pedagogical", "deeplense-ii-faithful"])
def test_grey_populations_are_seen_through_one_filter(population: str) -> None:
    """They have no colours, and say which populations do; Model IV has three bands of its own."""
    named = {"train_condition": "rubin-gri", "baseline": "spectrum-logreg"}
    with pytest.raises(IncompatibleError, match="'rubin-gri' has 3 bands, and the scenes") as error:
        check("morphology", ["hsc-gri"], dataset=f"lenses:population={population}", **named)
    assert "rubin-r" in error.value.hint and "survey" in error.value.hint
    check("morphology", ["hsc-gri"], dataset="lenses:population=deeplense-iv", **named)
