"""The public API is what its list says."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


def test_the_public_api_is_as_listed():
    """A change of a name or signature is deliberate: the list is renewed with it."""
    listed = subprocess.check_output([sys.executable, DOCS / "public_api.py"], text=True)
    assert listed == (DOCS / "public-api.txt").read_text()
