"""Draws psfs.png, mutation.png and way.png of the explanation pages.

Run from the root of the checkout: `python docs/figures/changes.py`.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from explanation import BLUE, GREY, ORANGE, boxes, plain, save

from lensbench import Condition, condition_of
from lensbench.sky.blur import blur_of

MUTATION = Path(__file__).parents[1] / "explanation" / "mutation.md"
BEFORE = {"hst-acs": 0.095, "euclid-vis": 0.16, "rubin-r": 0.73}
"""Widths of the Gaussians that were PSFs before [arcsec]."""

SIZE, SCALE = 1024, 0.01
WAY = (
    ("scene", "drawn once,\nwithout noise"),
    ("images", "observed under\nmany conditions"),
    ("entrant", "pretrained, then\nfitted to labels"),
    ("predictions", "of test images,\nstored"),
    ("records", "scores with\nintervals"),
    ("board", "published and\nverified"),
)
ROOMS = ("sky", "sky, data", "training, plugins", "cells", "stats, store", "leaderboard")


def profile(condition: Condition) -> np.ndarray:
    """Surface brightness of a point source along a row through its centre, over the maximum."""
    psf = torch.fft.irfft2(blur_of(condition, 0).transfer(SIZE, SCALE), (SIZE, SIZE))
    return (psf[0, : SIZE // 2] / psf[0, 0]).numpy()


def psfs() -> None:
    """PSFs of three telescopes, now and before."""
    radius = np.arange(SIZE // 2) * SCALE
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
    for axis, (name, fwhm) in zip(axes, BEFORE.items(), strict=True):
        now = condition_of(name)
        before = dataclasses.replace(now, psf="gaussian", psf_fwhm=fwhm)
        axis.plot(radius, profile(before), color=GREY, ls="--", label="before: a Gaussian")
        axis.plot(radius, profile(now), color=BLUE, label="now")
        axis.set_yscale("log")
        axis.set_ylim(1e-5, 1.5)
        axis.set_xlim(0, 6 * fwhm)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("distance from the centre [″]")
        plain(axis)
    axes[0].set_ylabel("brightness over the maximum")
    axes[0].legend(frameon=False, fontsize=9)
    save(figure, "psfs.png")


def mutation() -> None:
    """Changes of each module that the tests noticed, and those that survived or were not tried."""
    rows = re.findall(
        r"^\| `([\w.]+)`[^|]*\|[^|]*\| (\d+) \| (\d+) \| (\d+) \|", MUTATION.read_text(), re.M
    )
    names = [name for name, *_ in rows]
    tried, noticed, survived = np.array([row[1:] for row in rows], int).T
    figure, axis = plt.subplots(figsize=(8, 6), layout="constrained")
    axis.barh(names, noticed, color=BLUE, label="noticed by a test")
    axis.barh(names, survived, left=noticed, color=ORANGE, label="survived")
    rest = tried - noticed - survived
    axis.barh(names, rest, left=noticed + survived, color="#c8c8c8", label="not tried")
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize=8)
    axis.set_xlabel("changes of the code")
    axis.legend(frameon=False, loc="lower right")
    plain(axis)
    save(figure, "mutation.png")


if __name__ == "__main__":
    psfs()
    mutation()
    boxes(list(WAY), "way.png", list(ROOMS))
