"""Serving: read-only, to those who call it by its own name, and nothing but the page."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.errors import UsageError
from lensbench.leaderboard.page import Evidence
from lensbench.leaderboard.page import server as server_module
from lensbench.leaderboard.page.live import Live, LiveSource
from lensbench.leaderboard.page.server import is_loopback, open_server


class Changing:
    """Records that can be replaced."""

    def __init__(self) -> None:
        self.records = study_records(entrants=2, tasks=1, conditions=2)
        self.times = 0

    def gather(self) -> Evidence:
        self.times += 1
        return Evidence("changing", self.records, pl.DataFrame())

    def state(self) -> dict:
        return {"state": "running", "jobs": 4, "done": 1, "failed": 0,
                "running": [{"label": "a job", "secret": "/home/me"}]}  # fmt: skip


@pytest.fixture
def source() -> Changing:
    return Changing()


@pytest.fixture
def port(source) -> Iterator[int]:
    followed = LiveSource(source.gather, lambda: str(source.records.height), source.state)
    server = open_server(Live(followed, lambda records: ()), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_the_page_and_its_news_are_served(port):
    """The page, its values and how the sweep stands each have an address."""
    status, body = ask(port, "/")
    assert status == 200 and body.startswith(b"<!doctype html>")
    news = json.loads(ask(port, "/state.json")[1])
    assert news["state"] == "running" and news["jobs"] == 4 and news["records"] == 8
    assert news["running"] == [{"label": "a job"}]
    assert ask(port, "/data")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/records.parquet", "//etc/passwd",
     "/index.htm", "/data/", "/\\..\\..", "/state.json/../x"],
)  # fmt: skip
def test_nothing_else_is_there(port, path):
    """No path leads to a file: addresses are looked up and never opened."""
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_can_only_be_read(port, method):
    """Every method but GET and HEAD is refused."""
    assert ask(port, "/", method)[0] == 405


@pytest.mark.parametrize(("path", "status"), [("/state.json", 200), ("/nothing", 404)])
def test_head_is_get_without_a_body(port, path, status):
    """Status and headers are those of GET."""
    heads = {}
    for method in ("GET", "HEAD"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request(method, path)
        answer = connection.getresponse()
        heads[method] = {k: v for k, v in answer.getheaders() if k != "Date"}
        body = answer.read()
        connection.close()
        assert answer.status == status
        assert bool(body) == (method == "GET")
    assert heads["GET"] == heads["HEAD"] and int(heads["HEAD"]["Content-Length"]) > 0


def test_a_client_that_leaves_is_no_error(port, capfd):
    """It asks for the page and is gone before it comes: nothing is printed, others are served."""
    gone = socket.create_connection(("127.0.0.1", port))
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    gone.close()
    assert ask(port, "/state.json")[0] == 200
    time.sleep(0.5)
    assert capfd.readouterr().err == ""


def test_a_header_that_never_ends_is_hung_up_on(port, monkeypatch):
    """Though its client sends a line now and again."""
    monkeypatch.setattr(server_module, "HEADER_SECONDS", 0.6)
    slow = socket.create_connection(("127.0.0.1", port), timeout=600)
    slow.sendall(b"GET /state.json HTTP/1.1\r\nHost: localhost\r\n")
    start = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - start < 600:
            slow.sendall(b"X-Slow: 1\r\n")
            time.sleep(0.1)
    assert time.monotonic() - start < 500
    slow.close()


def test_many_clients_at_once_are_served_past_many_slow_ones(port):
    """Fifty that never end their header keep none of sixty others waiting."""
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\nX-Slow:")
    with ThreadPoolExecutor(60) as many:
        answers = list(many.map(lambda _: ask(port, "/state.json"), range(60)))
    for one in slow:
        one.close()
    assert [status for status, _ in answers] == [200] * 60
    assert len({body for _, body in answers}) == 1


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", ""])
def test_a_name_that_is_not_ours_is_refused(port, host):
    """A page of another site that has its name point here gets nothing (DNS rebinding)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.putrequest("GET", "/", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8765", "[::1]:80", "192.168.0.7"])
def test_addresses_and_localhost_are_ours(port, host):
    """An address cannot be pointed elsewhere, so it is answered."""
    assert ask(port, "/state.json", host=host)[0] == 200


def test_the_page_is_made_anew_when_records_change(port, source):
    """The digest in the news changes with the records and only with them."""
    first = json.loads(ask(port, "/state.json")[1])["digest"]
    assert json.loads(ask(port, "/state.json")[1])["digest"] == first
    assert source.times == 1
    source.records = study_records(entrants=3, tasks=1, conditions=2)
    news = json.loads(ask(port, "/state.json")[1])
    assert news["digest"] != first and source.times == 2


def test_a_port_that_is_taken_is_one_line(port, source):
    """The error names address and port."""
    live = Live(LiveSource(source.gather, lambda: ""), lambda records: ())
    with pytest.raises(UsageError, match=f"127.0.0.1:{port} cannot be listened at"):
        open_server(live, "127.0.0.1", port)


def test_what_others_reach_is_known():
    """Loopback addresses are this machine's alone, all others are not."""
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("192.168.1.2")
