"""Images on disk as scenes: real observations, degraded from their own resolution."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Gt

from lensbench import DataError, Dataset, OptionError, Scenes, Split, Target, open_images, resample

SKY_SIZE = 288
"""Pixels on a side of the sky that an image is put on."""

_SHRUNK = 0.98
"""Factor below which an image counts as shrunk."""

SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".npy")
_BESIDE = re.compile(r"(^|[_.-])(psf|noise|noise_?map|rms|err|sigma|mask|dq|wht|weight)$", re.I)


@dataclass(frozen=True)
class Picture:
    """One image as it was found."""

    name: str
    pixels: np.ndarray
    pixel_scale: float
    psf_fwhm: float


class Images(Dataset):
    """Every image of a folder, or one file, as a test scene.

    How an image becomes a sky, the same rule for all:

    1. The median of its outermost three pixels is taken off as background.
    2. An image with pixels coarser than `finest` is shrunk on the sky until they are that fine:
       its own pixels then hold real information at every condition's target sampling. An image
       with finer pixels is binned to `finest`, at its true size.
    3. It is cropped about its centre to the field, or surrounded by unknown sky, which is
       observed as empty and not scored.
    4. Its brightness is scaled so that the 99.9th percentile is the data range.

    The width of its PSF (extension `PSF`, else 2.5 of its pixels) is what it is blurred by already.

    What is known of the images makes targets: `lens` from the folders that they lie in, `theta_E`
    from a catalogue. The latter is shrunk with its image, and NaN where the catalogue has none.
    """

    version = "2"
    channels = 1
    field_of_view = 6.4
    data_range = 20.0

    @dataclass(frozen=True)
    class Options:
        """Options of `images`: where they are, and what their headers do not say.

        Attributes:
            path: A folder of images, or one.
            pixel_scale: Side of a pixel, where a header does not say [arcsec].
            finest: Side of a sky pixel [arcsec].
            nan: What to do with pixels that are not finite.
            extension: Of a FITS file.
            lenses: Names of folders in `path`, joined by +, whose images are lenses.
            others: Likewise of what is no lens.
            catalogue: CSV file with columns `file`, relative to its folder, and `theta_E` [arcsec].
        """

        path: str
        pixel_scale: Annotated[float, Gt(0)] | None = None
        finest: Annotated[float, Gt(0)] = 0.025
        nan: Literal["error", "mask"] = "error"
        extension: str = ""
        lenses: str = ""
        others: str = ""
        catalogue: str = ""

    def __init__(self, options: Options) -> None:
        self.options = options
        root = Path(options.path)
        self.targets = {"sky": Target("image", unit="µJy/arcsec²")}
        files, labels = find_classes(root, options.lenses, options.others)
        if len(labels):
            self.targets["lens"] = Target("class", classes=("non_lens", "lens"))
        self._digest = hashlib.sha256(labels.tobytes())
        self._names, self._skies, self._psf_fwhm, self._theta_E = [], [], [], []
        known = read_theta_E(options.catalogue) if options.catalogue else {}
        least = 1.0
        if options.catalogue:
            self.targets["theta_E"] = Target("real", unit="arcsec")
            self._digest.update(Path(options.catalogue).read_bytes())
        counts = []
        for file in files:
            self._digest.update(file.name.encode() + file.read_bytes())
            pictures = read_pictures(file, options.pixel_scale, options.nan, options.extension)
            counts.append(len(pictures))
            for picture in pictures:
                sky, shrunk = self._place(picture)
                self._names.append(picture.name)
                self._skies.append(sky)
                self._psf_fwhm.append(picture.psf_fwhm * shrunk)
                self._theta_E.append(known.get(file.resolve(), np.nan) * shrunk)
                least = min(least, shrunk)
        self._labels = np.repeat(labels, counts) if len(labels) else labels
        if least < _SHRUNK:
            self.notes = (
                f"Images with pixels above {options.finest:g}″ are shrunk on the sky, and their "
                f"Einstein radii with them, to {least:.2f} of their size at most. "
                f"finest={options.finest / least:.3g} leaves all as large as they are.",
            )
        if options.catalogue and np.isnan(self._theta_E).all():
            raise DataError(
                f"{options.catalogue!r} has no theta_E of any image in {options.path!r}",
                "its column 'file' is relative to its own folder",
            )

    def size(self, split: Split) -> int | None:
        """All images are test scenes."""
        return len(self._names) if split == "test" else 0

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """The images of these indices, in the order of their file names or of a hash of these."""
        chosen = list(indices)
        targets = {}
        if "lens" in self.targets:
            targets["lens"] = self._labels[chosen]
        if "theta_E" in self.targets:
            targets["theta_E"] = np.array(self._theta_E, dtype=np.float32)[chosen]
        return Scenes(
            ids=tuple(self._names[i] for i in indices),
            sky=torch.stack([self._skies[i] for i in indices])[:, None],
            pixel_scale=self.options.finest,
            psf_fwhm=np.array([self._psf_fwhm[i] for i in indices]),
            targets=targets,
        )

    def digest(self) -> str:
        """Hash of names and bytes of all files."""
        return self._digest.hexdigest()

    def _place(self, picture: Picture) -> tuple[torch.Tensor, float]:
        """A picture on the sky's grid, and by how much it was shrunk."""
        finest = self.options.finest
        pixels = torch.from_numpy(picture.pixels.astype(np.float32))
        frame = torch.ones_like(pixels, dtype=torch.bool)
        frame[3:-3, 3:-3] = False
        background = pixels[frame & torch.isfinite(pixels)].median()
        pixels = pixels - background
        shrunk = min(1.0, finest / picture.pixel_scale)
        if picture.pixel_scale < finest:
            square = _centred(pixels, max(pixels.shape), 0.0)
            size = max(8, int(len(square) * picture.pixel_scale / finest))
            pixels = resample(torch.nan_to_num(square)[None], picture.pixel_scale, finest, size)[0]
        sky = _centred(pixels, SKY_SIZE, torch.nan)
        bright = torch.nanquantile(sky, 0.999)
        if not bright > 0:
            raise DataError(
                f"image {picture.name!r} is not brighter than its border",
                "leave it out of the folder",
            )
        return sky * (self.data_range / bright), shrunk


def find_classes(path: Path, lenses: str, others: str) -> tuple[list[Path], np.ndarray]:
    """Image files, and their classes where folders of both are named.

    The order is then that of a hash of their names, so that the first few are of both classes.

    Raises:
        OptionError: Where folders of one class alone are named.
        DataError: Where there is no such folder, or two images have one name.
    """
    if not lenses and not others:
        return find_files(path), np.zeros(0, dtype=np.int64)
    if not lenses or not others:
        raise OptionError("lenses= and others= belong together", "name the folders of both")
    found = [
        (file, label)
        for label, names in enumerate((others, lenses))
        for name in names.split("+")
        for file in find_files(path / name)
    ]
    found.sort(key=lambda pair: hashlib.sha256(pair[0].name.encode()).digest())
    for (one, _), (other, _) in pairwise(found):
        if one.name == other.name:
            raise DataError(f"two images are called {one.name!r}", "rename one of them")
    return [file for file, _ in found], np.array([label for _, label in found], dtype=np.int64)


def read_theta_E(catalogue: str) -> dict[Path, float]:
    """Einstein radii [arcsec] by image, of those rows of a CSV file that have one.

    Raises:
        DataError: Where the file or a column is missing, or a value is no number.
    """
    if not Path(catalogue).is_file():
        raise DataError(f"there is no {catalogue!r}", "catalogue= takes a CSV file")
    with Path(catalogue).open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if not {"file", "theta_E"} <= set(rows.fieldnames or ()):
            raise DataError(f"{catalogue!r} lacks columns 'file' and 'theta_E'", "add them")
        try:
            home = Path(catalogue).resolve().parent
            return {home / row["file"]: float(row["theta_E"]) for row in rows if row["theta_E"]}
        except ValueError as error:
            raise DataError(f"{catalogue!r}: {error}", "correct the column 'theta_E'") from None


def find_files(path: Path) -> list[Path]:
    """Image files at a path, sorted by name.

    Raises:
        DataError: Where there is no such path or nothing that can be read.
    """
    if not path.exists():
        raise DataError(f"there is no {str(path)!r}", "images:path= takes a folder or a file")
    found = [path] if path.is_file() else sorted(path.iterdir())
    files = [file for file in found if file.name.lower().endswith(SUFFIXES)]
    if len(files) > 1:
        beside = [file.name for file in files if _BESIDE.search(file.name.partition(".")[0])]
        if beside:
            raise DataError(
                f"{str(path)!r} has a PSF, noise map or mask in a file of its own: {beside[0]}",
                "move such files away, or write a PSF into the extension PSF of its image",
            )
    if not files:
        raise DataError(
            f"{str(path)!r} holds no image", f"known are files in {', '.join(SUFFIXES)}"
        )
    return files


def read_pictures(
    file: Path, pixel_scale: float | None, nan: str, extension: str = ""
) -> list[Picture]:
    """Reads the image of a file, or its exposures, and refuses what cannot be observed.

    Raises:
        DataError: Naming the file, where it cannot be read, has several bands, is not one plane, is
            constant, or holds NaN or infinities that are not to be masked.
    """
    images = open_images(file, extension=extension)
    if len({item.scene or item.name for item in images.items}) < len(images.items):
        held = ", ".join(item.condition or item.name for item in images.items[:8])
        raise DataError(
            f"{file.name!r} holds {len(images.items)} images: {held}",
            "name one band with extension=, or write each image to a file of its own",
        )
    alone = len(images.items) == 1
    return [
        _checked(file.name if alone else item.name, images.read(index), pixel_scale, nan)
        for index, item in enumerate(images.items)
    ]


def _checked(name: str, found: Any, pixel_scale: float | None, nan: str) -> Picture:
    """A picture that can be observed; for errors see `read_pictures`."""
    pixels = found.pixels[0] if len(found.pixels) == 1 else found.pixels
    if pixels.ndim != 2 or min(pixels.shape) < 8:
        raise DataError(
            f"{name!r} has shape {pixels.shape}, expected one plane of at least 8 × 8 pixels",
            "write each image to a file of its own",
        )
    finite = np.isfinite(pixels)
    if not finite.any():
        raise DataError(f"{name!r} is all NaN", "leave it out of the folder")
    if not finite.all() and nan == "error":
        raise DataError(
            f"{name!r} has {int((~finite).sum())} pixels that are NaN or infinite",
            "correct it, or give nan=mask to leave such pixels out of the score",
        )
    if np.ptp(pixels[finite]) == 0:
        raise DataError(f"{name!r} is constant", "leave it out of the folder")
    scale = found.pixel_scale or pixel_scale
    if not scale:
        raise DataError(
            f"{name!r} does not say how large its pixels are",
            "give pixel_scale= in arcsec, or write PIXSCALE or a WCS into its header",
        )
    width = psf_width(found.psf) if found.psf is not None else 2.5
    return Picture(name, np.where(finite, pixels, np.nan), scale, width * scale)


def psf_width(psf: np.ndarray) -> float:
    """Full width at half maximum [pixels]: of the disc of equal area above half the peak."""
    finer = 8
    kernel = torch.from_numpy(psf.astype(np.float32))[None, None]
    fine = torch.nn.functional.interpolate(kernel, scale_factor=finer, mode="bicubic")
    area = float((fine > fine.max() / 2).sum()) / finer**2
    return 2 * float(np.sqrt(area / np.pi))


def _centred(pixels: torch.Tensor, size: int, fill: float) -> torch.Tensor:
    """The middle of an image on a square of this size, filled up where the image ends.

    An odd difference leaves the middle half a pixel to the upper left.
    """
    canvas = torch.full((size, size), fill)
    here, there = [], []
    for side in pixels.shape:
        kept = min(side, size)
        here.append(slice((size - kept) // 2, (size - kept) // 2 + kept))
        there.append(slice((side - kept) // 2, (side - kept) // 2 + kept))
    canvas[here[0], here[1]] = pixels[there[0], there[1]]
    return canvas
