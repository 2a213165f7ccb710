"""Changes files of a copy of the source, and tells which digests of code that changes.

    PYTHONPATH=COPY python changing.py COPY < asked.jsonl

Each line has kinds of artefacts with their plugins, and changes; a change is words that are added
to the end of files. The line that answers it has the modules behind each kind, and the numbers of
those that each change gives another digest.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lensbench.cells.code import Code
from lensbench.registry import load_catalogue
from lensbench.store import closure

ROOT = Path(sys.argv[1])
READ = closure.read_module.__wrapped__
PARSED: dict[tuple[str, bytes], closure.Module] = {}


def read_module(name: str) -> closure.Module:
    """What a module says now; parsed once for each text that it has."""
    file = closure.module_file(name)
    assert file is not None
    what = name, file.read_bytes()
    if what not in PARSED:
        PARSED[what] = READ(name)
    return PARSED[what]


def digests(asked: list[list[str]]) -> list[str]:
    """What each key would say of its code, read again from the files."""
    code = Code(load_catalogue())
    return [str(code.of(*one)["source"]) for one in asked]


def changed(asked: list[list[str]], change: dict[str, str], before: list[str]) -> list[int]:
    """Which digests differ while files have these words at their end."""
    texts = {ROOT / file: (ROOT / file).read_text() for file in change}
    for file, words in change.items():
        (ROOT / file).write_text(texts[ROOT / file] + words)
    after = digests(asked)
    for path, text in texts.items():
        path.write_text(text)
    return [
        number for number, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
    ]


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to a line."""
    asked, changes = question["asked"], question["changes"]
    code = Code(load_catalogue())
    modules = [sorted(code.closure(tuple(one)).modules) for one in asked]
    before = digests(asked)
    if changes == "each":
        files = {name: _file(name) for name in sorted({name for one in modules for name in one})}
        changes = [{file: "\n_changed = 1\n"} for file in files.values()]
    answers = [changed(asked, change, before) for change in changes]
    assert digests(asked) == before
    return {"modules": modules, "changes": changes, "changed": answers}


def _file(module: str) -> str:
    path = Path(*module.split("."))
    package = path / "__init__.py"
    return str(package if (ROOT / package).is_file() else path.with_suffix(".py"))


closure.read_module = read_module  # type: ignore[assignment]
for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()
