"""A further process of a divided training: `python -m lensbench.training.rank PARENT`.

It reads its part from standard input, says `ready`, and tells in one line of JSON why it failed.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import time
import traceback

from lensbench.training.lineage import end_with_parent


def main() -> None:
    """Takes part in the training; the exit code is 1 where it fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to handle
    end_with_parent(int(sys.argv[1]))
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what plugins print goes to the log
    try:
        _take_part(channel)
    except BaseException as error:
        at = time.monotonic()
        traceback.print_exc()
        sys.stderr.flush()
        told = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        channel.write(json.dumps({"at": at, "error": told}) + "\n")
        channel.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # libraries must not hold up the first process


def _take_part(channel: object) -> None:
    division, rank, port, seed = pickle.load(sys.stdin.buffer)

    import torch

    from lensbench.training.ranks import joined

    torch.set_num_threads(division.numerics.threads)
    take_part = division.part()
    print("ready", file=channel, flush=True)  # type: ignore[call-overload]
    with joined(rank, port, division.numerics, seed) as team:
        take_part(team)


if __name__ == "__main__":
    main()
