"""Images are streamed to disk in memory that does not grow with their number."""

import os
import resource
import subprocess
import sys

import pytest

GIGABYTE = 2**20  # in the kilobytes of ru_maxrss


@pytest.mark.parametrize("count", [500, 5000])
def test_streaming(benchmark, tmp_path, count):
    """Drawing, observing and writing stays below 2 GB, however many there are."""
    command = [
        sys.executable, "-c", "from lensbench.cli import main; main()", "data", "make",
        "--dataset", "lenses:population=pedagogical", "--conditions", "euclid-vis",
        "--n", str(count),
        "--out", str(tmp_path / "lenses.h5"),
    ]  # fmt: skip

    def make():
        subprocess.run(command, check=True, capture_output=True, env=os.environ)

    benchmark.pedantic(make, rounds=1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    benchmark.extra_info.update(images=count, peak_gigabytes=peak / GIGABYTE)
    assert peak < 2 * GIGABYTE
