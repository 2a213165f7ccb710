"""Flags of what was measured."""

from __future__ import annotations

import pytest

from lensbench.inference.measuring import flags_of, without_edges

GOOD = {"theta_E": 1.2, "theta_E_sigma": 0.01, "gain": 1e4, "chi_squared": 1.0, "structure": 1.0}


@pytest.mark.parametrize(
    ("named", "half", "flags"),
    [
        ({}, 3.2, []),
        ({}, 1.1, ["radius outside the image"]),
        ({"theta_E": 0.2}, 3.2, ["small radius"]),
        ({"theta_E_sigma": float("nan")}, 3.2, ["radius uncertain"]),
        ({"gain": 99.0, "chi_squared": 2.1}, 3.2, ["no lens needed", "poor fit"]),
        ({"theta_E_network": 1.0, "theta_E_sigma_network": 0.05}, 3.2, ["network disagrees"]),
        ({"theta_E_network": 1.0, "theta_E_sigma_network": 0.08}, 3.2, []),
    ],
)
def test_flags_say_what_makes_a_row_doubtful(named, half, flags):
    """Each by its own bound."""
    assert flags_of({**GOOD, **named}, half) == flags


def test_parameters_at_the_edge_of_their_priors_are_named():
    """In a flag, and their columns are no numbers of the table."""
    found = {**GOOD, "edge_lens_e1": 0.0, "edge_gamma_1": 1.0, "edge_ln_radius": 1.0}
    assert without_edges(found) == (GOOD, ["edge of priors: gamma_1, ln_radius"])
    assert without_edges({**GOOD, "edge_gamma_1": 0.0}) == (GOOD, [])
