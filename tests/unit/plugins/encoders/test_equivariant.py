"""Turns and flips of images, and what they do to the equivariant encoder."""

import itertools

import pytest
import torch

from lensbench_reference.encoders.equivariant import GROUPS
from lensbench_reference.encoders.group_convolution import (
    Group,
    GroupConvolution,
    turned_harmonics,
)


def product(group: Group, g: int, h: int) -> int:
    """g·h of a dihedral group, written as turns after a reflection: F R = R⁻¹ F."""
    n = group.turns
    turn = (g % n + (-1 if g >= n else 1) * (h % n)) % n
    return turn + n * ((g >= n) != (h >= n))


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_relative_elements_follow_from_the_product(group):
    """g · (g⁻¹h) is h for every pair."""
    for g, h in itertools.product(range(group.order), repeat=2):
        assert product(group, g, group.relative(g, h)) == h


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_filters_turned_by_a_quarter_are_turned_arrays(group):
    """The harmonic moved by the quarter turn is the sampled filter, turned on the grid."""
    basis = turned_harmonics(group, 5)
    quarter = group.turns // 4
    # An angle that grows from columns to rows turns the array clockwise on paper.
    assert torch.allclose(basis[quarter], torch.rot90(basis[0], -1, (1, 2)), atol=1e-6)
    if group.flips:
        assert torch.allclose(basis[group.turns], basis[0].flip(1), atol=1e-6)


def trained(build, text: str):
    """An encoder whose normalisations have seen images, so that none is trivial."""
    encoder = build(text).train()
    with torch.no_grad():
        for _ in range(3):
            encoder(torch.randn(8, 1, 32, 32))
    return encoder.eval()


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("size", [24, 64])
def test_pooled_features_do_not_change_under_the_group(build, group, size):
    """Quarter turns for all, flips for the dihedral groups, to float precision."""
    encoder = trained(build, f"equivariant:group={group},width=1")
    images = torch.asinh(2 * torch.randn(3, 1, size, size))
    with torch.no_grad():
        pooled = encoder(images).pooled
        scale = (pooled - pooled.roll(1, 0)).abs().max()
        for quarters in (1, 2, 3):
            moved = encoder(torch.rot90(images, quarters, (2, 3))).pooled
            assert (moved - pooled).abs().max() < 1e-4 * scale
        flipped = (encoder(images.flip(3)).pooled - pooled).abs().max()
    assert (flipped < 1e-4 * scale) == group.startswith("d")


def test_maps_turn_with_the_image(build):
    """The largest channel of each field is at the turned place."""
    encoder = trained(build, "equivariant:group=c8,width=1")
    images = torch.asinh(2 * torch.randn(2, 1, 32, 32))
    with torch.no_grad():
        for one, moved in zip(
            encoder(images).maps, encoder(torch.rot90(images, 1, (2, 3))).maps, strict=True
        ):
            largest, wanted = (features.unflatten(1, (-1, 8)).amax(2) for features in (moved, one))
            assert torch.allclose(torch.rot90(wanted, 1, (2, 3)), largest, atol=1e-4)


def test_turns_by_an_eighth_change_little_where_c8_and_more_where_c4(build):
    """A smooth spot beside the centre, drawn again at 45°: C8 keeps its response, C4 less so."""
    axis = torch.arange(17) - 8.0

    def spot(angle: torch.Tensor) -> torch.Tensor:
        x = axis[None, :] - 2.5 * torch.cos(angle)
        y = axis[:, None] - 2.5 * torch.sin(angle)
        return torch.exp(-(x**2 + y**2) / 4)[None, None]

    changes = {}
    for name in ("c4", "c8"):
        torch.manual_seed(3)
        group = GROUPS[name]
        lift = GroupConvolution(group, 1, 16, 7, lifts=True)
        with torch.no_grad():
            one, other = (
                lift(spot(torch.tensor(angle)))[0, :, 8, 8].unflatten(0, (16, -1)).amax(1)
                for angle in (0.0, torch.pi / 4)
            )
        changes[name] = ((one - other).abs().mean() / one.abs().mean()).item()
    assert changes["c8"] < 0.05
    assert changes["c4"] > 5 * changes["c8"]
