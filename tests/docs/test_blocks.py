"""Every fenced block of the README and of the docs is run, or says why it is only looked at."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import click
import pytest
from tests.docs.blocks import LANGUAGES, PAGES, ROOT, Block, Command, blocks_of
from tests.docs.parsing import check_words

from lensbench.errors import LensbenchError

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
SHELL = [block for block in BLOCKS if block.language in ("console", "sh")]
RUN = [page for page in PAGES if page.stem != "tutorial"]  # test_tutorial.py has a shell for it


def read(tmp_path: Path, text: str) -> list[Block]:
    page = tmp_path / "page.md"
    page.write_text(text)
    return list(blocks_of(page))


def agrees(shown: str, printed: str) -> bool:
    """Whether every line that is shown was printed; `…` is any text, and blanks are one."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    for line in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        wanted = ".*".join(re.escape(part.strip()) for part in line.split("…"))
        if not any(re.search(wanted, one) for one in lines):
            return False
    return True


class Reader:
    """Somebody who does what a page says, block after block, in one folder."""

    def __init__(self, folder: Path, lensbench: Any) -> None:
        self.folder = folder
        self.lensbench = lensbench
        self.module = types.ModuleType("page_of_the_docs")

    def follow(self, block: Block) -> None:
        """Writes, runs or plans what the block has."""
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if block.language == "python":
            sys.modules[self.module.__name__] = self.module  # dataclasses look there
            exec(compile(block.text, str(block), "exec"), vars(self.module))
        elif block.language == "toml" and "project" not in tomllib.loads(block.text):
            self._plan(block.text)
        elif block.language in ("console", "sh"):
            for command in block.commands:
                self._call(command)

    def _call(self, command: Command) -> None:
        assert command.words, f"{command.text!r} is no call of lensbench: say why it is not run"
        verb = command.words[1:]
        if verb[0] in ("run", "sweep") and "--workers" not in verb:
            verb = [*verb, "--workers", "0"]
        done = self.lensbench(*verb)
        assert done.code == 0, f"{command.text}\n{done.err}"
        if command.target:
            (self.folder / command.target).write_text(done.out)
        assert agrees(command.output, done.out + done.err), f"{command.text}\n{done.out}{done.err}"

    def _plan(self, text: str) -> None:
        """A study, or a part of one."""
        if "name" not in tomllib.loads(text):
            text = f'name = "part"\n{text}\n[axes]\ntask = ["superres"]\nbaseline = ["bicubic"]\n'
        path = self.folder / "planned.toml"
        path.write_text(text)
        done = self.lensbench("plan", path)
        assert done.code == 0, done.err


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page, place, lensbench):
    """All blocks of a page in order, in one folder; one that is not run has its reason."""
    reader = Reader(place, lensbench)
    for block in blocks_of(page):
        if not block.reason:
            try:
                reader.follow(block)
            except Exception as error:
                raise AssertionError(f"{block}: {error}") from error


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_are_those_that_lensbench_takes(block, catalogue):
    """A shell reads the block; verbs, options, choices and plugins exist, whether run or not."""
    text = block.text if block.language == "sh" else "\n".join(c.text for c in block.commands)
    read_by = subprocess.run(
        ["bash", "-n"], input=text, capture_output=True, text=True, check=False
    )
    assert read_by.returncode == 0, f"{block}: {read_by.stderr}"
    assert block.commands, f"{block} has no command"
    for command in filter(lambda command: command.words, block.commands):
        try:
            check_words(command.words, catalogue)
        except (click.ClickException, LensbenchError) as error:
            raise AssertionError(f"{block}: {command.text}\n{error}") from error


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python"], ids=str)
def test_python_compiles(block):
    """Whether run or not."""
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "toml"], ids=str)
def test_toml_can_be_read(block):
    """Whether run or not."""
    assert tomllib.loads(block.text)


def test_every_block_says_what_it_is():
    """One without a language, or with another, would not be looked at."""
    assert not [str(block) for block in BLOCKS if block.language not in LANGUAGES]


def test_a_comment_that_is_nearly_a_mark_is_none():
    """A misspelt mark would be no reason and nobody would know."""
    marks = re.compile(r"<!-- *(pars|befor|run)", re.IGNORECASE)
    right = re.compile(r"<!-- parsed: .+ -->|<!-- before")
    for page in PAGES:
        for number, line in enumerate(page.read_text().splitlines()):
            assert not marks.match(line) or right.fullmatch(line), f"{page}:{number + 1}"


@pytest.mark.parametrize(
    "command",
    [
        "lensbench rum --task superres",
        "lensbench run --tusk superres",
        "lensbench run --task superres --budget tiny",
        "lensbench run --task superres --encoder mae-vot",
        "lensbench run --task superres --encoder mae-vit:deep=3",
        "lensbench run --task superres --test-conditions hst-acs,custom:base=hst-acs,pixels=3",
        "lensbench leaderboard show --format word",
    ],
)
def test_a_command_that_lensbench_does_not_take_is_found(command, catalogue):
    """Verbs, options, choices, plugins and their options are all looked at."""
    with pytest.raises((click.ClickException, LensbenchError)):
        check_words(Command(command).words, catalogue)


def test_a_page_that_is_wrong_is_found(place, lensbench, tmp_path):
    """A command that fails, output that is another, and code that raises."""
    reader = Reader(place, lensbench)
    for text in (
        "```console\n$ lensbench show mae-vot\n```",
        "```console\n$ lensbench --version\nlensbench 9.…\n```",
        "```console\n$ pip install lensbench\n```",
        "```python\nassert False\n```",
        '```toml\nname = "a"\nbudgte = "smoke"\n[axes]\ntask = ["superres"]\n```',
    ):
        (block,) = read(tmp_path, text)
        with pytest.raises(AssertionError):
            reader.follow(block)


def test_blocks_are_read_as_they_are_written(tmp_path):
    """Marks, hidden blocks, files, continued lines, output, targets; generators are left out."""
    blocks = read(
        tmp_path,
        "<!-- [[[cog\nprint('```')\n]]] -->\n```text\nmade\n```\n<!-- [[[end]]] -->\n"
        "<!-- before\nlensbench list\n-->\n"
        "<!-- parsed: slow -->\n"
        "```console\n$ A=1 lensbench \\\n  show 'a b' | cat > out.txt\nhere\n```\n"
        "```python\n# a/b.py\n```\n",
    )
    made, hidden, marked, file = blocks
    assert (made.language, made.text) == ("text", "made")
    assert (hidden.language, hidden.commands[0].words) == ("sh", ["lensbench", "list"])
    (command,) = marked.commands
    assert marked.reason == "slow"
    assert command.words == ["lensbench", "show", "a b"]
    assert (command.target, command.output) == ("out.txt", "here\n")
    assert file.file == "a/b.py"
