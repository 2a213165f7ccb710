"""Garbage is looked for rarely while libraries are imported, and as usual from then on."""

import gc
import json
import subprocess
import sys

SCRIPT = """
import gc, json, sys, weakref
from lensbench.execution.garbage import spare_imports

class Node:
    pass

def made(count):
    kept = []
    for number in range(count):
        node = Node()
        node.itself = node
        kept.append(weakref.ref(node))
    del node
    return sum(one() is not None for one in kept)

usual = gc.get_threshold()
spare_imports()
rarely = gc.get_threshold()
for number in range(30):
    sys.modules[f"made{number}"] = None
    kept = [[] for _ in range(3000)]
importing = gc.get_threshold() == rarely != usual
made(100_000)
left = made(100_000)
print(json.dumps([importing, gc.get_threshold() == usual, gc.get_freeze_count() > 0, left]))
"""


def test_garbage_is_looked_for_rarely_until_no_module_is_new():
    """From then on as often as before; what was imported is left out."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    importing, usual, frozen, left = json.loads(done.stdout)
    assert importing and usual and frozen
    assert left < 2_000


def test_a_process_that_has_seen_to_it_is_left_alone(lensbench):
    """As that of the tests."""
    before, frozen = (gc.get_threshold(), len(gc.callbacks)), gc.get_freeze_count()
    assert frozen > 0
    assert lensbench("--version").code == 0
    assert (gc.get_threshold(), len(gc.callbacks)) == before
    assert gc.get_freeze_count() <= frozen
