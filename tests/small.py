"""Options with which reference plugins are as small and quick as they can be."""

from __future__ import annotations

_OPTIONS = {
    "aae": "latent=8,width=4", "dcae": "width=4", "equivariant": "group=c4,width=1",
    "lens-model": "starts=1,oversampling=1,calibrate=0", "lens-pinn": "width=8,stem=small",
    "lensiformer": "depth=1,width=16,heads=2", "mae-vit": "depth=1,width=16,heads=2",
    "rbm": "hidden=16", "rcan": "groups=1,blocks=1,width=8", "resnet18": "width=8",
    "resnet34": "width=8", "timm": "test_resnet", "vae": "latent=8,width=4",
}  # fmt: skip


def small(name: str) -> str:
    """A plugin by its name, with the options that make it small, where there are any."""
    return f"{name}:{_OPTIONS[name]}" if name in _OPTIONS else name
