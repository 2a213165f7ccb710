"""Serves the page: four addresses that can be read, to those who call it by its own name."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lensbench.errors import LensbenchError, UsageError
from lensbench.leaderboard.page.live import Live

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


HEADER_SECONDS = 10.0
"""Time in which a client has to send the whole header of a request."""


class _Server(ThreadingHTTPServer):
    """Threads end with the program; clients that leave are no errors."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints the traceback of a fault of ours, and nothing where the client went away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def open_server(live: Live, host: str, port: int) -> ThreadingHTTPServer:
    """A server that listens and is not yet at work; `serve_forever` sets it to.

    Args:
        live: What it serves.
        host: Address to listen at.
        port: To listen at; any free one where 0.

    Raises:
        UsageError: Where the address cannot be had.
    """
    routes: dict[str, tuple[str, Callable[[], bytes]]] = {
        "/": ("text/html; charset=utf-8", live.page),
        "/index.html": ("text/html; charset=utf-8", live.page),
        "/data": ("text/plain; charset=ascii", live.data),
        "/state.json": ("application/json", live.news),
    }

    class Handler(_Handler):
        known = routes
        name = host.lower()

    try:
        server = _Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"{host}:{port} cannot be listened at: {error}", "name another --port or --host"
        ) from None
    return server


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Handler(BaseHTTPRequestHandler):
    known: dict[str, tuple[str, Callable[[], bytes]]]
    name: str
    timeout = 30
    server_version = "lensbench"
    sys_version = ""

    def handle_one_request(self) -> None:
        """Answers a request whose header came in time."""
        self._waiting = threading.Timer(HEADER_SECONDS, self._hang_up)
        self._waiting.daemon = True
        self._waiting.start()
        try:
            super().handle_one_request()
        finally:
            self._waiting.cancel()

    def parse_request(self) -> bool:
        """Reads the header; the answer may take as long as it takes."""
        try:
            return super().parse_request()
        finally:
            self._waiting.cancel()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        if not self._is_for_us():
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"called by a name that is not ours\n")
            return
        route = self.known.get(self.path.partition("?")[0])
        if route is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is nothing here\n")
            return
        try:
            body = route[1]()
        except LensbenchError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", error.message.encode())
            return
        self._answer(HTTPStatus.OK, route[0], body)

    def _refuse(self) -> None:
        body = b"GET and HEAD only\n"
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", body, Allow="GET, HEAD")

    do_HEAD = do_GET
    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse

    def _is_for_us(self) -> bool:
        """Whether it is called by an address, by `localhost` or by the name that it was given.

        A site that points its own name at this machine, so that a visitor's browser reads the
        page for it (DNS rebinding), calls it by that name.
        """
        host = self.headers.get("Host", "").lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name in ("localhost", self.name):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _answer(self, status: HTTPStatus, kind: str, body: bytes, **more: str) -> None:
        self.send_response(status)
        headers = {**_HEADERS, **more, "Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the base)
        """Logs nothing: who looks at the page is nobody's business."""
