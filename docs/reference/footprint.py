"""Measures what an installation weighs and how long it takes to start.

    python docs/reference/footprint.py "NAME=A/bin/python" "NAME=B/bin/python" > …/footprint.md

where A and B are environments with nothing but the wheel and what it asks for.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

TOP = 15
_CALL = "from lensbench.cli import main; main()"
ROUNDS = 7
STARTS = {
    "`python -c pass`": ("-c", "pass"),
    "`lensbench --help`": ("-c", _CALL, "--help"),
    "`lensbench list`": ("-c", _CALL, "list"),
    "`import lensbench`": ("-c", "import lensbench"),
    "`import lensbench; lensbench.encode`": ("-c", "import lensbench; lensbench.encode"),
    "`import torch`": ("-c", "import torch"),
    "`import polars`": ("-c", "import polars"),
}
_PROBE = """
import importlib.metadata as m, json, pathlib, platform
def size(d):
    paths = {pathlib.Path(d.locate_file(f)).resolve() for f in d.files or ()}
    return sum(p.stat().st_size for p in paths if p.is_file())
print(json.dumps({
    "python": platform.python_version(),
    "sizes": {d.name: size(d) for d in m.distributions()},
    "versions": {d.name: d.version for d in m.distributions()},
}))
"""


@dataclass(frozen=True)
class Installed:
    """What was measured of one environment.

    Attributes:
        name: As it is called in the table.
        python: Version.
        sizes: Bytes of each distribution, byte code included.
        versions: Of each distribution.
        starts: CPU seconds of each start, the median of some.
    """

    name: str
    python: str
    sizes: Mapping[str, int]
    versions: Mapping[str, str]
    starts: Mapping[str, float]


def measured(name: str, python: str) -> Installed:
    """Weighs an environment and starts things in it."""
    told = subprocess.check_output([python, "-I", "-c", _PROBE], text=True)
    spent: dict[str, list[float]] = {start: [] for start in STARTS}
    for _ in range(ROUNDS + 1):
        for start, words in STARTS.items():
            spent[start].append(_cpu_seconds([python, *words]))
    starts = {start: statistics.median(times[1:]) for start, times in spent.items()}
    return Installed(name, starts=starts, **json.loads(told))


def _cpu_seconds(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def page(environments: Sequence[Installed]) -> Iterator[str]:
    """The page."""
    yield "# Footprint"
    yield ""
    yield "The size of the installed wheel, and the time to start a command, as measured by"
    yield f"`docs/reference/footprint.py` on {datetime.date.today().isoformat()}, on"
    yield f"{platform.system()} {platform.machine()} with Python {environments[0].python}."
    yield "Sizes are of installed files, with byte code; starts are CPU seconds, the median of"
    yield f"{ROUNDS}."
    for one in environments:
        total = sum(one.sizes.values())
        yield from ("", f"## {one.name}", "")
        yield f"{len(one.sizes)} packages, {total / 1e6:,.0f} MB; lensbench itself "
        yield f"{one.sizes['lensbench'] / 1e6:.1f} MB."
        yield from ("", "| package | version | MB | share |", "|---|---|---|---|")
        largest = sorted(one.sizes, key=one.sizes.__getitem__, reverse=True)
        for name in largest[:TOP]:
            size = one.sizes[name]
            yield f"| {name} | {one.versions[name]} | {size / 1e6:,.1f} | {size / total:.1%} |"
        rest = sum(one.sizes[name] for name in largest[TOP:])
        yield f"| {len(largest) - TOP} others | | {rest / 1e6:,.1f} | {rest / total:.1%} |"
    yield from ("", "## Starting", "")
    yield f"| what | {' | '.join(one.name for one in environments)} |"
    yield f"|---{'|---' * len(environments)}|"
    for start in STARTS:
        yield f"| {start} | {' | '.join(f'{one.starts[start]:.2f}' for one in environments)} |"


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    found = [measured(*word.rsplit("=", 1)) for word in sys.argv[1:]]
    print("\n".join(page(found)))  # noqa: T201
