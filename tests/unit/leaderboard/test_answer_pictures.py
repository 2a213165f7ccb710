"""What of an image and of its target stands in a picture."""

import numpy as np

from lensbench.leaderboard.answer_pictures import known_window


def test_the_known_part_of_a_target_is_shown_with_that_of_the_image() -> None:
    """Of a target whose pixels divide the image's, whole pixels of the image."""
    truth = np.full((64, 64), np.nan)
    truth[10:50, 21:40] = 1.0
    fine, coarse = known_window(truth, 32)
    assert coarse == (slice(5, 25), slice(10, 20))
    assert fine == (slice(10, 50), slice(20, 40))


def test_an_image_is_shown_whole_beside_a_target_with_pixels_of_its_own() -> None:
    """120 pixels lie on 64 in no whole number."""
    truth = np.ones((120, 120))
    truth[:4] = np.nan
    fine, coarse = known_window(truth, 64)
    assert fine == (slice(4, 120), slice(0, 120))
    assert coarse == (slice(0, 64), slice(0, 64))
