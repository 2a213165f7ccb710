"""Files of datasets that live on the web: found, fetched and checked, or asked for by hand."""

from __future__ import annotations

import hashlib
import urllib.request
from pathlib import Path

from lensbench.api.dataset import Download
from lensbench.data.whole import whole
from lensbench.errors import DataError
from lensbench.files import CountReport

_TIMEOUT = 30.0
_BLOCK = 2**20


def locate(download: Download, folder: Path, report: CountReport) -> Path:
    """The file of a download in a folder: the one that is there, else fetched from its mirrors.

    A file is used only where its SHA-256 is the one stated; what was fetched and differs is
    thrown away, what lay there before and differs is left alone.

    Raises:
        DataError: Where no mirror gives it, saying what to do by hand.
    """
    path = folder / download.file
    if path.exists():
        if _sha256(path) == download.sha256:
            return path
        raise DataError(
            f"{str(path)!r} is not the file that is wanted: its SHA-256 differs",
            f"delete it; {by_hand(download, folder)}",
        )
    reasons = []
    for url in download.urls:
        try:
            with whole(path) as temporary:
                _fetch(url, temporary, download, report)
        except (OSError, ValueError) as error:
            reasons.append(f"{url}: {error}")
        else:
            return path
    shown = "; ".join(reasons) or "no mirror is known"
    raise DataError(
        f"{download.file!r} cannot be fetched ({shown.splitlines()[0][:300]})",
        by_hand(download, folder),
    )


def by_hand(download: Download, folder: Path) -> str:
    """What a user without a connection here can do."""
    where = " or ".join(download.urls) or "its authors"
    return f"get it from {where}, put it at {folder / download.file}; SHA-256 {download.sha256}"


def _fetch(url: str, path: Path, download: Download, report: CountReport) -> None:
    if not url.startswith(("https://", "http://", "file://")):
        raise ValueError("not a web address")
    done = 0
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer, path.open("wb") as file:
        while block := answer.read(_BLOCK):
            done += len(block)
            if done > download.size:
                raise ValueError(f"longer than the {download.size} bytes that it should have")
            digest.update(block)
            file.write(block)
            report(done, download.size, download.file)
    if digest.hexdigest() != download.sha256:
        raise ValueError("its SHA-256 differs from the one that is stated")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
