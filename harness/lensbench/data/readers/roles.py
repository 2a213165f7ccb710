"""Words by which files, extensions, arrays and columns say what they are of an image."""

from __future__ import annotations

import re

from lensbench.data.names import BAND

_WORDS = {
    "part": "var~(poisson|rnoise|flat|sky)",
    "psf": r"psf\d*(~kernel)?|kernel(~point~source)?",
    "noise": "noise|rms|sigma|err|error|std|stddev|uncert|uncertainty",
    "ivar": "ivar|invvar|inverse~variance",
    "variance": "var|variance",
    "good": "(good|valid)~(pix|pixels|mask)",
    "mask": "mask|msk|dq|flag|badpix|bpm",
    "weight": "wht|wgt|wei|weight|exp|exposure(~time)?|exptime",
    "image": "data|image|img|sci|flux|cutout|stamp|drz|drc|i2d|bgsub|primary|compressed~image",
}
"""Words of each role; `~` is a mark or none. `map` and an s may follow."""

_FORMS = {
    role: re.compile(rf"(^|[\W_])({words})(~map)?s?$".replace("~", r"[\W_]?"), re.IGNORECASE)
    for role, words in _WORDS.items()
}
_ANY = re.compile("|".join(form.pattern for form in _FORMS.values()), re.IGNORECASE)
"""Of any role: one look at names that have none."""

_BAND_LAST = re.compile(rf"(.+?)([\W_]+{BAND.pattern})", re.IGNORECASE)


def parted_role(name: str) -> tuple[str, str]:
    """The role that the last words of a name state, and the name without them.

    A band may follow: `a_psf_g` is the PSF of `a_g`. What states no role is an `image`.
    """
    banded = _BAND_LAST.fullmatch(name)
    for text, band in ((name, ""), *([(banded[1], banded[2])] if banded else [])):
        if _ANY.search(text):
            role, form = next((role, form) for role, form in _FORMS.items() if form.search(text))
            rest = form.sub("", text)
            return role, rest + band if rest else band.lstrip("_-. ")
    return "image", name


def role_of_folder(name: str) -> str:
    """What all files of a folder are of images, where its name is a word for it; else empty."""
    role, rest = parted_role(name)
    return role if not rest else ""
