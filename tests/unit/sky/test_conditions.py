"""Registered conditions: their numbers, their sources, and which of them a run tests under."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import pytest
from tests.runs import run_cells

from lensbench.errors import DataError, OptionError, UsageError
from lensbench.registry import load_catalogue
from lensbench.sky import multiband
from lensbench.sky.grades import AXES, GRADES
from lensbench.sky.instruments import CONDITIONS, REFERENCE
from lensbench.sky.space import EUCLID_VIS

NUMBERS = (
    "pixel_scale", "psf_fwhm", "zeropoint", "sky_brightness", "exposure_time", "num_exposures",
    "read_noise",
)  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda one: one.name)
def test_every_number_has_a_source(condition):
    """The source of an instrument names each of its numbers."""
    named = condition.source.replace(":", ",").replace(";", ",").split(",")
    assert {name.strip() for name in named} >= set(NUMBERS)
    for name in ("noise_correlation", "dark_current", "seeing_scatter"):
        default = next(f.default for f in dataclasses.fields(condition) if f.name == name)
        assert getattr(condition, name) == default or name in condition.source
    assert condition.psf in ("airy", "moffat")


@pytest.mark.parametrize("item", load_catalogue().of_kind("condition"), ids=lambda i: i.entry.name)
def test_registered_names(item):
    """Each registered condition resolves, and is called what it is registered as."""
    assert load_catalogue().build("condition", item.entry.name).name == item.entry.name


def test_a_run_tests_under_the_reference_conditions():
    """A run that names no condition tests under the reference ones, trained on its own."""
    cells = run_cells(load_catalogue(), "superres", encoder="mae-vit")
    assert cells[0].tests[0].condition == "euclid-vis"
    assert {view.condition for view in cells[0].tests} == set(REFERENCE)


def test_a_run_tests_under_what_is_named():
    """Graded and custom conditions can be named, and stand in their one spelling."""
    named = ("psf@3", "custom:read_noise=9,base=des-r")
    cells = run_cells(load_catalogue(), "superres", encoder="mae-vit", test_conditions=named)
    tested = [view.condition for view in cells[0].tests]
    assert tested == ["euclid-vis", "custom:base=des-r,read_noise=9.0", "psf@3"]
    assert load_catalogue().build("condition", tested[1]).name == tested[1]


def test_a_run_of_several_bands_tests_under_those_of_as_many():
    """Trained in three bands it is tested in three; where options say the bands, in these alone."""
    options = {"encoder": "resnet18", "train_condition": "hsc-gri"}
    cells = run_cells(load_catalogue(), "regression", **options)
    assert cells[0].tests[0].condition == "hsc-gri"
    assert {view.condition for view in cells[0].tests} == set(multiband.REFERENCE)
    for named in ("bands:of=rubin-r+rubin-i", "custom:base=des-gri,num_exposures=4"):
        cells = run_cells(load_catalogue(), "regression", **{**options, "train_condition": named})
        assert len(cells[0].tests) == 1


def test_unknown_condition():
    """An unknown condition is an error that offers the nearest."""
    with pytest.raises(UsageError) as error:
        run_cells(load_catalogue(), "superres", encoder="mae-vit", train_condition="psf@6")
    assert "psf@" in error.value.hint


@pytest.mark.parametrize("axis", AXES)
def test_grades_get_worse(axis):
    """Along an axis one number alone leaves the base, farther with every grade."""
    changed = {
        "psf": "psf_fwhm",
        "psf-error": "psf_error",
        "depth": "exposure_time",
        "sampling": "pixel_scale",
    }
    field = changed.get(axis, "artefacts")
    made = [AXES[axis](grade) for grade in GRADES]
    values = [getattr(one, field) for one in made]
    if axis == "depth":
        values = [1 / value for value in values]
    assert values == sorted(set(values))
    about = {"name", "summary", "source", field, "psf_error_e1"}
    for one in made:
        same = [f.name for f in dataclasses.fields(one) if f.name not in about]
        assert all(getattr(one, name) == getattr(EUCLID_VIS, name) for name in same)


@pytest.mark.parametrize("name", ["KIDS_R"])
def test_published_depth(name):
    """KiDS reaches the depth that its fourth release states, 25.02 mag at 5σ in 2″."""
    assert CONDITIONS[name].limiting_magnitude() == pytest.approx(25.02, abs=0.01)


def test_limiting_magnitude():
    """The limit is the magnitude whose electrons are so many times the aperture's noise."""
    c = EUCLID_VIS
    electrons = c.total_time * 10 ** (0.4 * (c.zeropoint - c.limiting_magnitude(1.3, 10)))
    pixels = math.pi * 0.65**2 / c.pixel_scale**2
    variance = pixels * (c.background_electrons + c.num_exposures * c.read_noise**2)
    assert electrons == pytest.approx(10 * math.sqrt(variance))


@pytest.mark.parametrize("ratio", [1.0, 1.3, 2.0, 2.6])
def test_noise_tap(ratio):
    """The kernel of correlated noise sums to one and scatters by the ratio less."""
    c = dataclasses.replace(EUCLID_VIS, noise_correlation=ratio).noise_tap
    assert 0 <= c < 0.5
    assert (1 + 2 * c**2) / (1 + 2 * c) ** 2 == pytest.approx(1 / ratio)


@pytest.mark.parametrize(
    "wrong", [{"noise_correlation": 0.9}, {"noise_correlation": 3.0}, {"artefacts": 6},
              {"psf": "image"}, {"psf_diffraction": 1.4}, {"seeing_scatter": -0.1}], ids=str,
)  # fmt: skip
def test_impossible_conditions(wrong):
    """A condition that no noise, severity or PSF fits is refused by name."""
    with pytest.raises(DataError, match="euclid-vis"):
        dataclasses.replace(EUCLID_VIS, **wrong)


def test_custom_refuses_unknown_base():
    """A custom condition of an unknown base is an error that offers the nearest."""
    with pytest.raises(OptionError, match="euclid-vid") as error:
        load_catalogue().build("condition", "custom:base=euclid-vid")
    assert "euclid-vis" in error.value.hint


def test_listing_imports_nothing_heavy():
    """Registering all conditions imports neither torch nor NumPy."""
    code = (
        "import sys; from lensbench.sky import hooks; hooks.lensbench_conditions(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'astropy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
