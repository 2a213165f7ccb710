"""What workers tell their driver: datagrams on a local socket, which no death can leave locked."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterable

from lensbench.execution.executors import Message
from lensbench.files import StageReport
from lensbench.store.claims import temporary_folder

_INTERVAL = 0.2
"""Least seconds between two messages of one stage."""


class Mailbox:
    """The driver's end.

    Attributes:
        folder: For temporary files of the driver and its workers; gone when this is closed.
        address: Of the socket.
    """

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        self.folder = self._held.enter_context(temporary_folder())
        self.address = str(self.folder / "mailbox")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)

    def read(self) -> Iterable[Message]:
        """Messages that arrived since the last call."""
        with contextlib.suppress(BlockingIOError):
            while True:
                yield Message(*json.loads(self._socket.recv(65536)))

    def close(self) -> None:
        """Removes the socket."""
        self._socket.close()
        self._held.close()


def reporter(address: str, key: str) -> StageReport:
    """A function that sends a worker's messages. They are lost if nobody reads them."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)

    def send(stage: str, done: int, total: int, note: str) -> None:
        with contextlib.suppress(OSError):
            sender.sendto(json.dumps([key, stage, done, total, note]).encode(), address)

    return throttled(send)


def throttled(send: StageReport) -> StageReport:
    """Limits how often reports are passed on; the last one of a stage always is."""
    last: dict[str, float] = {}

    def watch(stage: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if done < total and now - last.get(stage, 0.0) < _INTERVAL:
            return
        last[stage] = now
        send(stage, done, total, note)

    return watch
