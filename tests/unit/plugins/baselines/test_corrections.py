"""Gravitational imaging: a mass beside a smooth lens is seen where it is."""

import pytest
import torch
from tests.lenses import lens_of

from lensbench import condition_of
from lensbench_reference.lens_fitting.corrections import Nodes, convergence_correction
from lensbench_reference.lens_fitting.lens_fit import Optics, descend
from lensbench_reference.lens_fitting.perturbers import CompactMass

EUCLID = condition_of("euclid-vis")


def a_lens():
    """Parameters (1, 14) of a plain lens of 1″ with a bright arc."""
    return lens_of(magnitude=21.0, source_x=0.08, ln_radius=-1.2)


def test_splines_and_their_derivatives():
    """Splines sum to one inside, and derivatives are those of differences."""
    places = torch.linspace(-1.7, 1.7, 23, dtype=torch.float64)
    value, slope, curve = Nodes().along(places)
    assert torch.allclose(value.sum(0), torch.ones(23, dtype=torch.float64))
    after, before = (Nodes().along(places + shift) for shift in (1e-5, -1e-5))
    assert torch.allclose(slope, (after[0] - before[0]) / 2e-5, atol=1e-6)
    assert torch.allclose(curve, (after[1] - before[1]) / 2e-5, atol=1e-3)


@pytest.mark.parametrize("place", [(0.85, 0.5), (-0.3, 0.95)])
def test_a_mass_near_the_ring_is_where_the_map_peaks(place):
    """To 0.2″, with the noise of an image; the map of a lens without it is nearly flat."""
    own = torch.tensor([[0.03, *place]], dtype=torch.float64)
    seen = Optics(EUCLID, 64, 1, CompactMass()).images(torch.cat([a_lens(), own], 1))
    optics = Optics(EUCLID, 64, 1)
    places = torch.linspace(-1.6, 1.6, 65).double()
    noise = torch.randn(seen.shape, generator=torch.Generator().manual_seed(0))
    maps = []
    for image in (seen, optics.images(a_lens())):
        noisy = image + noise * optics.variance(image).sqrt()
        theta, _ = descend(optics, noisy, a_lens(), 12)
        maps.append(convergence_correction(optics, noisy[0], theta[0], places))
    found, none = maps
    row, column = divmod(int(found.argmax()), len(places))
    assert float(places[column]) == pytest.approx(place[0], abs=0.2)
    assert float(places[row]) == pytest.approx(place[1], abs=0.2)
    assert float(found.abs().max()) > 3 * float(none.abs().max())
