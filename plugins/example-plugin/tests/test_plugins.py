"""What the plugins of this package promise."""

import numpy as np
import pytest
import torch
from lensbench.testing import check_dataset, check_encoder, check_package, check_task

from example_plugin.arcs import Arcs
from example_plugin.opening import Opening
from example_plugin.polar import Polar


@pytest.mark.parametrize("channels", [1, 3])
def test_the_encoder_keeps_the_contract(channels):
    """Shapes over sizes, determinism, gradients, state."""
    check_encoder(Polar(Polar.Options(), channels=channels), channels)


def test_a_turned_image_has_the_same_features():
    """Quarter turns move whole sectors, where their number is a multiple of four."""
    encoder = Polar(Polar.Options(sectors=4), channels=1).eval()
    image = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoder(image.rot90(1, (2, 3))).pooled, encoder(image).pooled)


def test_the_dataset_keeps_the_contract():
    """Scenes of one split alone, the same whatever is drawn with them."""
    check_dataset(Arcs(Arcs.Options()))


def test_the_light_of_an_arc_is_its_share_of_the_ring():
    """An arc over 90 degrees has a quarter of the light of the whole ring."""
    arcs = Arcs(Arcs.Options())
    radius, direction = np.array([1.5, 1.5]), np.array([45.0, 0.0])
    quarter, whole = arcs.light(radius, direction, np.array([90.0, 360.0])).sum((1, 2))
    assert abs(quarter / whole - 0.25) < 1e-9


def test_the_task_keeps_the_contract():
    """Head, loss, answers and metrics have the right shapes."""
    check_task(Opening(), Arcs.targets)


def test_the_package_passes_all_checks():
    """The same checks as `lensbench plugin check example-plugin`."""
    findings = check_package("example-plugin")
    failed = [finding for finding in findings if finding.state == "failed"]
    assert findings
    assert not failed, failed
