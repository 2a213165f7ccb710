"""Draws measured.png from the pictures that `lensbench measure real/lenses --out RESULTS` wrote.

python docs/figures/measured.py RESULTS docs/figures/measured.png
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = (
    "SLACSJ0946+1006_F814W",
    "unnamed-ring_F390W",
    "COSMOS-Web-Ring_F115W",
    "COSMOS-Web-Ring_F277W",
)


def main(results: Path, out: Path) -> None:
    """Image, model and residual of four lenses, below one another."""
    pictures = [Image.open(results / "pictures" / f"{name}.fits.png") for name in NAMES]
    rows = [np.asarray(picture.convert("RGB")) for picture in pictures]
    Image.fromarray(np.concatenate(rows)).quantize(256).save(out, optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
