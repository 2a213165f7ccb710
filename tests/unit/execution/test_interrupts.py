"""A request to stop is heard wherever it comes in."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, time, weakref
from lensbench.execution.interrupts import heed_sigterm

class Thing: ...

def dropped(reference):
    FAULT
    for _ in range(100):  # a handler runs at the next step, which is still in here
        pass

HEARD
HEARD
thing = Thing()
reference = weakref.ref(thing, dropped)
del thing
time.sleep(0.5)
print("went on")
"""
ASK = "os.kill(os.getpid(), signal.SIGTERM)"
HEARD = "heed_sigterm()"


def run(fault: str, heard: str) -> tuple[str, str]:
    """What a program prints that is asked to stop in the callback of a weak reference."""
    program = PROGRAM.replace("FAULT", fault).replace("HEARD", heard)
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    return done.stdout, done.stderr


def test_a_request_that_python_drops_comes_again():
    """It is not reported, and is raised where the program is a moment later."""
    out, err = run(ASK, HEARD)
    assert out == ""
    assert "Exception ignored" not in err
    assert err.strip().endswith("KeyboardInterrupt")


def test_without_it_the_request_is_lost():
    """What the module is there for: Python goes on, as if nobody had asked."""
    out, err = run(ASK, "signal.signal(signal.SIGTERM, signal.default_int_handler)")
    assert out == "went on\n"
    assert "Exception ignored" in err


@pytest.mark.parametrize("heard", [HEARD, "pass"])
def test_other_faults_are_reported_as_before(heard):
    """Once, in Python's words."""
    out, err = run("1 / 0", heard)
    assert out == "went on\n"
    assert err.count("Exception ignored") == err.count("ZeroDivisionError") == 1
