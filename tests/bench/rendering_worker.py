"""One side of the rendering benchmark: says `ready`, then renders at every line it reads.

It answers with its images a second of the processor's time.

    python rendering_worker.py lensbench|lensbench-8|lenstronomy|lenstronomy-script COUNT

Both sides draw the same kind of scene: DeepLense Model II, 25 point masses, 64² pixels of 0.101″ at
2 × 2 rays a pixel, a Gaussian PSF, and photon, sky and read noise.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

SIZE, PIXEL_SCALE, SUPERSAMPLING, FWHM = 64, 0.101, 2, 0.16


def lensbench_side(count: int, num_conditions: int) -> Callable[[], int]:
    """Draws, renders and observes; returns how many images it made."""
    import torch

    from lensbench.sky.deeplense import DeepLense
    from lensbench.sky.instruments import EUCLID_VIS
    from lensbench.sky.observation import Grid, add_noise, expose
    from lensbench.sky.population import ScenePopulation
    from lensbench.sky.scenes import draw_scenes

    torch.set_num_threads(1)
    conditions = [
        replace(EUCLID_VIS, name=f"psf-{i}", psf_fwhm=FWHM * (1 + 0.1 * i))
        for i in range(num_conditions)
    ]

    @dataclass(frozen=True)
    class Subhaloes(ScenePopulation):
        population: DeepLense
        target: ClassVar[str] = "substructure"
        classes: ClassVar[tuple[str, ...]] = ("cdm",)

        def draw(self, label: int, random: np.random.Generator) -> dict[str, Any]:
            return self.population.draw(1, random)

        def model(self, parameters: Any, label: int) -> Any:
            return self.population.model(parameters, 1)

    def run() -> int:
        made, grid = 0, Grid(PIXEL_SCALE, SIZE)
        for start in range(0, count, 24):
            indices = range(start, min(start + 24, count))
            scenes = draw_scenes(
                Subhaloes(DeepLense("ii")),
                "bench",
                indices,
                0,
                SIZE * SUPERSAMPLING,
                PIXEL_SCALE / SUPERSAMPLING,
            )
            for condition in conditions:
                image = expose(scenes, condition, grid)
                made += len(add_noise(image, condition, scenes.ids, 0))
        return made

    return run


def lenstronomy_side(count: int, script: bool) -> Callable[[], int]:
    """The same by lenstronomy's simulation interface.

    It convolves at the supersampled resolution, as our operator does, for the same images. At its
    best it is set up once and knows no redshifts. As the scripts of the release use it, it
    is set up for every scene, with the redshifts from which it rescales deflections.
    """
    from astropy.cosmology import FlatLambdaCDM
    from lenstronomy.SimulationAPI.sim_api import SimAPI

    warnings.simplefilter("ignore", UserWarning)
    band = {
        "read_noise": 4.2, "pixel_scale": PIXEL_SCALE, "ccd_gain": 3.1, "exposure_time": 566.0,
        "sky_brightness": 22.3, "magnitude_zero_point": 25.72, "num_exposures": 4,
        "seeing": FWHM, "psf_type": "GAUSSIAN",
    }  # fmt: skip
    model: dict[str, Any] = {
        "lens_model_list": ["SIE", "SHEAR"] + ["POINT_MASS"] * 25,
        "source_light_model_list": ["SERSIC_ELLIPSE"],
    }
    if script:
        model |= {
            "lens_redshift_list": [0.5] * 27, "source_redshift_list": [1.0],
            "cosmo": FlatLambdaCDM(H0=70, Om0=0.3), "z_source_convention": 2.5, "z_source": 1.0,
        }  # fmt: skip
    numerics = {"supersampling_factor": SUPERSAMPLING, "supersampling_convolution": True}

    def set_up() -> tuple[Any, Any]:
        api = SimAPI(num_pix=SIZE, kwargs_single_band=band, kwargs_model=model)
        return api, api.image_model_class(numerics)

    api, images = set_up()

    def run() -> int:
        nonlocal api, images
        random = np.random.default_rng(0)
        for _ in range(count):
            if script:
                api, images = set_up()
            x, y = random.uniform(-2, 2, (2, 25))
            theta_E = np.sqrt(10 ** random.uniform(-8, -2, 25))
            lens = [
                {"theta_E": 1.4, "e1": 0.1, "e2": 0.0, "center_x": 0.0, "center_y": 0.0},
                {"gamma1": 0.05, "gamma2": 0.0},
                *(
                    {"theta_E": t, "center_x": a, "center_y": b}
                    for t, a, b in zip(theta_E, x, y, strict=True)
                ),
            ]
            magnitude = {
                "magnitude": 20.0, "R_sersic": 0.25, "n_sersic": 1.0, "e1": -0.1, "e2": 0.1,
                "center_x": 0.1, "center_y": 0.1,
            }  # fmt: skip
            _, source, _ = api.magnitude2amplitude(None, [magnitude], None)
            image = images.image(lens, source, None)
            image += api.noise_for_model(image)
        return count

    return run


if __name__ == "__main__":
    side, number = sys.argv[1], int(sys.argv[2])
    work = (
        lenstronomy_side(number, side.endswith("script"))
        if side.startswith("lenstronomy")
        else lensbench_side(number, 8 if side.endswith("8") else 1)
    )
    work()
    print("ready", flush=True)  # noqa: T201 (the protocol)
    for _ in sys.stdin:
        start = time.process_time()
        made = work()
        print(made / (time.process_time() - start), flush=True)  # noqa: T201 (the protocol)
