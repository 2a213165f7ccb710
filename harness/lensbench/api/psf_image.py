"""A PSF that is an image."""

from __future__ import annotations

import hashlib
import math
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, cast

from lensbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PsfImage:
    """A PSF as an image, known in keys by its digest.

    Values are samples of the PSF of the optics and the air, the detector's pixel not included:
    the pixel is integrated over by the harness. They are divided by their sum. The PSF's centre
    is the centre of the image, (n − 1)/2: the middle pixel of an odd size, the corner that the
    four middle pixels share of an even one. No interpolation recentres it.

    Attributes:
        pixel_scale: Side of a pixel of the PSF [arcsec].
        array: Values (n, n), n odd or even; given once, then read as `values`.
        size: n.
        digest: SHA-256 of the normalised values as little-endian float64, 32 digits of it.

    Raises:
        DataError: Where the array is not square, not finite or has no positive sum.
    """

    pixel_scale: float
    array: InitVar[NDArray[np.float64]]
    size: int = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self, array: NDArray[np.float64]) -> None:
        if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
            raise DataError(
                f"a PSF of shape {array.shape}, expected a square image", "cut it square"
            )
        total = float(array.sum())
        if not math.isfinite(total) or total <= 0:
            raise DataError(f"a PSF that sums to {total}, expected a positive sum", "fix the file")
        if self.pixel_scale <= 0:
            raise DataError(
                f"a PSF with pixels of {self.pixel_scale}″", "give their side in arcsec"
            )
        values = (array / total).astype("<f8")
        values.flags.writeable = False
        object.__setattr__(self, "size", array.shape[0])
        object.__setattr__(self, "digest", hashlib.sha256(values.tobytes()).hexdigest()[:32])
        object.__setattr__(self, "_values", values)

    @property
    def values(self) -> NDArray[np.float64]:
        """The PSF (n, n), with a sum of one; read only."""
        return cast("NDArray[np.float64]", self.__dict__["_values"])
