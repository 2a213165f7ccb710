"""The served page in a browser: it takes new records in by itself."""

from __future__ import annotations

import threading

import polars as pl
from tests.board_records import study_records

from lensbench.leaderboard.page import Evidence
from lensbench.leaderboard.page.live import Live, LiveSource
from lensbench.leaderboard.page.server import open_server


def test_new_records_appear_while_one_reads(reader):
    """A reader who stays sees more entrants as they end, and stays at the same place."""
    shown = [2]

    def gather() -> Evidence:
        records = study_records(entrants=shown[0], tasks=2, conditions=3)
        return Evidence("watched", records, pl.DataFrame())

    state = {"state": "running", "jobs": 5, "done": 2, "failed": 1, "running": [{"label": "<b>"}]}
    live = Live(LiveSource(gather, lambda: str(shown[0]), lambda: state), lambda evidence: ())
    server = open_server(live, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        one = reader()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        one.tab.goto(f"{address}#/table/1")
        lines = one.tab.locator("#ranking ~ .tablebox tbody tr")
        one.tab.wait_for_selector(".banner progress")
        assert lines.count() == 2
        banner = one.tab.locator(".banner").inner_text()
        assert "2 of 5 jobs done, 1 failed" in banner and "<b>" in banner
        shown[0] = 5
        lines.nth(4).wait_for()
        assert lines.count() == 5
        assert one.tab.url == f"{address}#/table/1"
        assert one.complaints == []
        assert all(url.startswith(address) for url in one.fetched)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
