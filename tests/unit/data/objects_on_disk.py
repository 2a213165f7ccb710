"""Six objects of two classes with radii, as files of every layout hold them."""

from __future__ import annotations

import numpy as np
from astropy.io import fits
from tests.unit.data.images_on_disk import image, sky

from lensbench.data.picture import Source

COUNT, SIDE = 6, 16
KINDS = [["galaxy", "lens"][k % 2] for k in range(COUNT)]
RADII = [1 + k / 8 for k in range(COUNT)]


def picture(number: int) -> np.ndarray:
    """The image of an object."""
    return image(number, SIDE, SIDE)


def number_of(source: Source, index: int) -> int:
    """The number of the object whose image has the pixels of an index."""
    found = source.read(index).pixels[0]
    return next(k for k in range(COUNT) if np.array_equal(found, picture(k)))


def check_labels_and_radii(source: Source) -> None:
    """Every image has the class and the radius of its object."""
    numbers = [number_of(source, index) for index in range(len(source.items))]
    assert sorted(numbers) == list(range(COUNT))
    assert [item.label for item in source.items] == [KINDS[n] for n in numbers]
    radii = next(c for name, c in source.columns.items() if name.lower() == "theta_e")
    assert np.allclose(radii.values, [RADII[n] for n in numbers])


def at(ra: float, **cards: object) -> fits.Header:
    """A header with the centre of its image at a right ascension [deg]."""
    header = sky(0.1, **cards)
    header.update(CRVAL1=ra, CRPIX1=8.5, CRPIX2=8.5)
    return header


def noise_levels(source: Source) -> list[float]:
    """The mean noise of every image."""
    found = [source.read(index).noise for index in range(len(source.items))]
    assert all(noise is not None for noise in found)
    return [float(np.mean(noise)) for noise in found if noise is not None]
