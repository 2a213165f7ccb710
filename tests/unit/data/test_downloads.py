"""Files from the web: checked, from any mirror, and with a way by hand where there is none."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from lensbench import DataError, Download
from lensbench.data.downloads import locate

CONTENT = b"images" * 1000


def quiet(*_: object) -> None:
    """Reports nothing."""


@pytest.fixture
def download(tmp_path: Path) -> Download:
    """A file with one mirror that is gone and one that works."""
    (tmp_path / "mirror").write_bytes(CONTENT)
    urls = (f"file://{tmp_path / 'gone'}", f"file://{tmp_path / 'mirror'}")
    return Download("images.h5", urls, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def test_second_mirror_serves(download: Download, tmp_path: Path) -> None:
    """Where the first mirror is gone the second serves, and the file is then used as it lies."""
    folder = tmp_path / "data"
    assert locate(download, folder, quiet).read_bytes() == CONTENT
    (tmp_path / "mirror").unlink()
    assert locate(download, folder, quiet) == folder / "images.h5"


def test_offline_says_what_to_do(download: Download, tmp_path: Path) -> None:
    """Where no mirror answers, the error says where to get it, where to put it, and its digest."""
    gone = dataclasses.replace(download, urls=(f"file://{tmp_path / 'gone'}", "ftp://nowhere"))
    with pytest.raises(DataError, match=r"images\.h5") as caught:
        locate(gone, tmp_path / "data", quiet)
    for part in (str(tmp_path / "data" / "images.h5"), download.sha256, "gone", "ftp://nowhere"):
        assert part in caught.value.hint
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"x" * len(CONTENT), b""])
def test_wrong_content_is_thrown_away(content: bytes, download: Download, tmp_path: Path) -> None:
    """A mirror that serves other bytes is refused, and nothing of them stays."""
    (tmp_path / "mirror").write_bytes(content)
    with pytest.raises(DataError, match="cannot be fetched"):
        locate(download, tmp_path / "data", quiet)
    assert not list((tmp_path / "data").iterdir())


def test_strange_file_is_left_alone(download: Download, tmp_path: Path) -> None:
    """A file of that name with another digest is neither used nor written over."""
    (tmp_path / "images.h5").write_text("mine")
    with pytest.raises(DataError, match="SHA-256 differs"):
        locate(download, tmp_path, quiet)
    assert (tmp_path / "images.h5").read_text() == "mine"
