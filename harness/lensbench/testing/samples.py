"""Small samples to try a plugin on."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Target
from lensbench.api.samples import Samples
from lensbench.api.task import SkyTarget

_FINER = SkyTarget(upsample=2)

CONDITION = Condition(
    name="made",
    pixel_scale=0.1,
    psf_fwhm=0.2,
    zeropoint=25.0,
    sky_brightness=22.0,
    exposure_time=500.0,
    num_exposures=1,
    read_noise=4.0,
)

TARGETS = {
    "substructure": Target("class", classes=("no_sub", "cdm", "vortex")),
    "lens": Target("class", classes=("non_lens", "lens")),
    "theta_E": Target("real", unit="arcsec"),
    "lens_e1": Target("real", spin=2, components=("lens_e1", "lens_e2")),
    "lens_e2": Target("real", spin=2, components=("lens_e1", "lens_e2")),
    "shear_1": Target("real", spin=2, components=("shear_1", "shear_2")),
    "shear_2": Target("real", spin=2, components=("shear_1", "shear_2")),
    "source_x": Target("real", unit="arcsec", spin=1, components=("source_x", "source_y")),
    "source_y": Target("real", unit="arcsec", spin=1, components=("source_x", "source_y")),
    "f_sub": Target("real"),
    "sky": Target("image", unit="µJy/arcsec²"),
}


def made_samples(
    count: int = 6,
    channels: int = 1,
    size: int = 32,
    sky: SkyTarget = _FINER,
    seed: int = 0,
    targets: Mapping[str, Target] | None = None,
) -> Samples:
    """Samples of noise with a bright spot, and a target of every kind; for trying plugins only.

    Args:
        count: N.
        channels: C.
        size: Height and width [pixels].
        sky: What the target `sky` is sampled like.
        seed: Of images and skies.
        targets: Class and real targets that a task of yours asks for, beside those that are made
            always.
    """
    own = {
        name: target
        for name, target in (targets or {}).items()
        if target.kind != "image" and name not in TARGETS
    }
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(count, channels, size, size, generator=random)
    images[:, :, size // 2, size // 2] += 50.0
    skies = torch.rand(count, channels, *sky.shape(size, size), generator=random)
    return Samples(
        ids=tuple(f"made-{seed}-{i}" for i in range(count)),
        images=images,
        targets={
            "substructure": torch.arange(count) % 3,
            "lens": torch.arange(count) % 2,
            "theta_E": torch.linspace(0.5, 1.5, count),
            "lens_e1": torch.linspace(-0.2, 0.2, count),
            "lens_e2": torch.linspace(0.1, -0.1, count),
            "shear_1": torch.linspace(-0.1, 0.1, count),
            "shear_2": torch.linspace(0.05, -0.05, count),
            "source_x": torch.linspace(-0.3, 0.3, count),
            "source_y": torch.linspace(0.2, -0.2, count),
            "f_sub": torch.linspace(0.0, 0.1, count),
            "sky": skies,
            **{name: _values(target, count) for name, target in own.items()},
        },
        info={**TARGETS, **own},
        condition=CONDITION,
        data_range=100.0,
    )


def _values(target: Target, count: int) -> torch.Tensor:
    """All classes in turn, or numbers from 0.5 to 1.5."""
    if target.kind == "class":
        return torch.arange(count) % len(target.classes)
    return torch.linspace(0.5, 1.5, count)
