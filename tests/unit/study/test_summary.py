"""What a plan comes to: counts, sharing and time, against schedules worked out by hand."""

import pytest

from lensbench.study.cell import Cell, Entrant, View
from lensbench.study.job import CellRequest, FeaturesRequest, ImagesRequest, Job, WeightsRequest
from lensbench.study.summary import estimate_time, expected_seconds, kind_of, summarise

VIEW = View("lenses", "euclid-vis")
CELL = Cell(Entrant("mae-vit", "none", "linear"), "morphology", VIEW, (VIEW,))
REQUESTS = {
    "images": ImagesRequest("lenses", "train", 8, 0, (("euclid-vis", ""),)),
    "weights": WeightsRequest(CELL),
    "features": FeaturesRequest(CELL, VIEW, "train"),
    "cells": CellRequest(CELL),
}


def job(key: str, kind: str, *needs: str) -> Job:
    return Job(key, key, needs, REQUESTS[kind], kind)


def test_every_request_has_its_kind():
    """Each by its own name."""
    assert {kind: kind_of(job("a", kind)) for kind in REQUESTS} == {kind: kind for kind in REQUESTS}


@pytest.mark.parametrize(
    ("workers", "seconds"),
    [
        (1, 3 + 5 + 4 * 10),
        (
            2,
            5 + 10 + 10,
        ),  # the first worker draws the short images and two cells, the second the rest
        (4, 5 + 10),
        (9, 5 + 10),  # no more than the longest chain
        (0, 3 + 5 + 4 * 10),  # this process alone
    ],
)
def test_time_is_that_of_the_schedule(workers, seconds):
    """A job begins when it may and a worker is free."""
    plan = [
        Job("i", "", (), REQUESTS["images"], "short"),
        Job("j", "", (), REQUESTS["images"], "long"),
    ]
    plan += [job(f"c{n}", "cells", "ij"[n % 2]) for n in range(4)]
    found = estimate_time(plan, {"short": 3.0, "long": 5.0, "cells": 10.0}, workers)
    assert (found.seconds, found.work, found.unknown) == (seconds, 48, {})


def test_what_was_never_measured_is_told():
    """It counts no time, and stands by how often it comes."""
    plan = [job("i", "images"), job("c", "cells", "i"), job("d", "cells", "i")]
    found = estimate_time(plan, {"images": 4.0}, 2)
    assert (found.seconds, found.work, found.unknown) == (4.0, 4.0, {"cells": 2})
    assert estimate_time([], {}, 2).seconds == 0


def test_images_of_another_number_take_their_share():
    """Of the largest number of the same dataset that was measured; other datasets tell nothing."""
    costs = {"images | lenses | 100": 2.0, "images | lenses | 1000": 15.0, "images | x | 10": 1.0}
    assert expected_seconds("images | lenses | 100", costs) == 2.0
    assert expected_seconds("images | lenses | 110000", costs) == 1650.0
    assert expected_seconds("images | other | 10", costs) is None
    assert expected_seconds("features | lenses | 10", costs) is None


def test_needs_that_are_stored_are_not_waited_for():
    """A job whose images are there already begins at once."""
    assert estimate_time([job("c", "cells", "stored")], {"cells": 7.0}, 1).seconds == 7.0


def test_sharing_is_cells_for_each_job():
    """The mean over the jobs of a kind; cells are shared by nobody."""
    plan = [
        job("i", "images"),
        job("j", "images"),
        job("f", "features", "i"),
        job("c", "cells", "f"),
    ]
    estimate = estimate_time(plan, {"cells": 2.0}, 2)
    summary = summarise(plan, {"i": 5, "j": 2, "f": 3}, estimate, cells=9, stored=4, failed=1)
    assert summary.jobs == {"images": 2, "features": 1, "cells": 1}
    assert summary.sharing == {"images": 3.5, "features": 3.0}
    assert (summary.cells, summary.stored, summary.failed) == (9, 4, 1)
    assert summary.estimate.work == 2.0
    assert summary.estimate.unknown == {"images": 2, "features": 1}
