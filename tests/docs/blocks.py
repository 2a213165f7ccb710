"""The fenced blocks of a page, and the commands in them.

A block is run unless a comment on the line before it says why it is only looked at:
`<!-- parsed: needs a cluster -->`. A comment that begins with a line `<!-- before` holds commands
that readers have behind them. A block that begins with `# NAME.py` or the like is that file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"console", "python", "sh", "text", "toml"}

_MARK = re.compile(r"<!-- parsed: (.+) -->")
_FILE = re.compile(r"# ([\w./-]+\.(?:py|toml))")
_ENDS = re.compile(r"[<>|&;()]+|\d?>+")


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Attributes:
        page: The file that has it.
        line: Number of the fence's line.
        language: Behind the fence.
        text: Without the fences.
        reason: Why it is not run; empty where it is.
    """

    page: Path
    line: int
    language: str
    text: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.page.parent.name}/{self.page.name}:{self.line}"

    @property
    def file(self) -> str:
        """The file that the block is, or nothing."""
        found = _FILE.fullmatch(self.text.partition("\n")[0])
        return found[1] if found else ""

    @property
    def commands(self) -> list[Command]:
        """The shell's commands, each with the output that the page shows of it."""
        found: list[Command] = []
        lines = iter(self.text.replace("\\\n", " ").splitlines())
        for line in lines:
            if self.language == "sh" or line.startswith("$ "):
                text = line.removeprefix("$ ").strip()
                if text and not text.startswith("#"):
                    found.append(Command(text))
            elif found:
                found[-1] = Command(found[-1].text, f"{found[-1].output}{line}\n")
        return found


@dataclass(frozen=True)
class Command:
    """One line of a shell, and what the page shows of its output."""

    text: str
    output: str = ""

    @property
    def words(self) -> list[str]:
        """The words of its call of lensbench with a verb, or none."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars="<>|&;()")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if words and _ENDS.fullmatch(word):
                break
            if words or word == "lensbench":
                words.append(word)
        return words if len(words) > 1 else []

    @property
    def target(self) -> str:
        """The file that its output goes to, or nothing."""
        found = re.search(r">\s*(\S+)$", self.text)
        return found[1] if found else ""


def blocks_of(page: Path) -> Iterator[Block]:
    """All blocks of a page in order, hidden ones included."""
    lines = page.read_text().splitlines()
    numbers = iter(range(len(lines)))
    for number in numbers:
        line = lines[number]
        if line == "<!-- before":
            language, end = "sh", "-->"
        elif line.startswith("```"):
            language, end = line.removeprefix("```"), "```"
        elif line.startswith("<!--") and "-->" not in line:  # a generator's, not a reader's
            language, end = "", "]]] -->"
        else:
            continue
        inside = []
        for inner in numbers:
            if lines[inner] == end:
                break
            inside.append(lines[inner])
        else:
            raise ValueError(f"{page}:{number + 1} has no end")
        mark = _MARK.fullmatch(lines[number - 1]) if number else None
        if not line.startswith("<!-- [[["):
            yield Block(page, number + 1, language, "\n".join(inside), mark[1] if mark else "")
