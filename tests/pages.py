"""What a built page holds, for tests that look without a browser."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any


def entrants_of(page: Path) -> list[str]:
    """The rows that a page has, as its script unpacks them."""
    packed = re.search(r'id="data"[^>]*>([^<]*)<', page.read_text())
    assert packed, "the page has no values"
    values = json.loads(zlib.decompress(base64.b64decode(packed[1])))
    return values["texts"]["entrant"]["words"]


def gallery_of(page: Path) -> list[dict[str, Any]]:
    """The sets of scenes of a page's gallery, as its script unpacks them."""
    packed = re.search(r'id="pictures"[^>]*>([^<]*)<', page.read_text())
    assert packed, "the page has no gallery"
    sets: list[dict[str, Any]] = json.loads(zlib.decompress(base64.b64decode(packed[1])))["sets"]
    return sets
