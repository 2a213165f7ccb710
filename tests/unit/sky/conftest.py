"""Makes the modules beside the tests importable: random scenes and their lenstronomy twins."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

settings.register_profile("sky", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("sky")
sys.path.insert(0, str(Path(__file__).parent))
