"""Start-up: the median of five calls is to be at most 0.25 s."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("words", [["--help"], ["list"], ["run", "--help"]], ids=" ".join)
def test_start(benchmark, words):
    """A call that computes nothing."""
    command = [sys.executable, "-c", "from lensbench.cli import main; main()", *words]

    def call():
        subprocess.run(command, check=True, capture_output=True)

    benchmark.pedantic(call, rounds=5, warmup_rounds=1)
