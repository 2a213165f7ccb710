"""The task that the documentation writes keeps the contract."""

import re
from pathlib import Path

from lensbench.testing import check_task

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "tasks.md"


def test_the_task_of_the_page_conforms_in_forty_lines():
    """As it stands there."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 40
    names: dict = {}
    exec(code, names)
    check_task(names["Ellipticity"]())
