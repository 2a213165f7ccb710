"""How far fitted Einstein radii are from the true ones, by condition, population and class.

    python studies/lens-fits/precision.py [COUNT]

Pure fits, without the calibration of `lens-model`, on a draw that was used for no choice.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from tabulate import tabulate

from lensbench import condition_of, draw_scenes, population_of
from lensbench.sky.observation import observe
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses
from lensbench_reference.lens_fitting.smooth_lens import einstein_radius

FIELD, DRAW, BATCH = 6.4, 4242, 16
CASES = (
    ("pedagogical", "euclid-vis"),
    ("pedagogical", "hst-acs"),
    ("pedagogical", "rubin-r"),
    ("survey", "euclid-vis"),
)


def main(count: int) -> None:
    """Fits lenses of each case and prints a table."""
    torch.set_num_threads(1)
    rows: list[list[object]] = []
    for name, seen in CASES:
        population, condition = population_of(name), condition_of(seen)
        scenes = draw_scenes(population, "test", range(count), DRAW)
        images = observe(scenes, condition, FIELD, DRAW)[:, 0]
        fitting = Fitting(light=int(name != "pedagogical"))
        fit_lenses(images[:1], condition, fitting)  # what is made once for a condition
        start = time.process_time()
        fits = [fit_lenses(some, condition, fitting) for some in images.split(BATCH)]
        each = 1000 * (time.process_time() - start) / count
        theta = torch.cat([fit.theta for fit in fits])
        variance = torch.cat([fit.covariance[:, 0, 0] for fit in fits])
        chi_squared = torch.cat([fit.chi_squared for fit in fits]).numpy() / images[0].numel()
        error = (einstein_radius(theta) - torch.as_tensor(scenes.targets["theta_E"])).numpy()
        stated = (variance.sqrt() * theta[:, 0].exp()).numpy()
        for label, kind in enumerate(population.classes):
            of = scenes.targets[population.target] == label
            rows.append(
                [
                    name,
                    seen,
                    kind,
                    int(of.sum()),
                    f"{np.sqrt(np.mean(error[of] ** 2)):.4f}",
                    f"{np.median(np.abs(error[of])):.4f}",
                    f"{np.median(np.abs(error[of]) / stated[of]) / 0.6745:.1f}",
                    f"{np.median(chi_squared[of]):.2f}",
                    f"{each:.0f}" if label == 0 else "",
                ]
            )
    head = ["population", "condition", "substructure", "n", "RMSE [arcsec]", "median |error|",
            "over stated", "χ² a pixel", "ms a lens"]  # fmt: skip
    sys.stdout.write(tabulate(rows, head, disable_numparse=True) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 96)
