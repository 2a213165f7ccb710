"""Text of a board: what names and free text may hold, so that no printer has to fear it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import KEY, shown

MAX_NAME = 400
MAX_TEXT = 2000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+*%:=,/|()\[\] '-]*")
_KEY = re.compile(KEY)
_TAG = re.compile(r"<[A-Za-z/!?]")
_LINK = re.compile(r"\]:?\s*\(?\s*<?\s*([A-Za-z][A-Za-z0-9+.-]*):")
_MARKDOWN = re.compile(r"[\\`*_\[\]<>#|~&]|^[-+=]")
_FORMULA = ("=", "+", "-", "@")
_PATH = re.compile(r"(?:~[\w.-]*/|(?<![\w.)\]/²<])/(?!/)|\b[A-Za-z]:\\)[^\s'\"<>|:;,)]+")
"""An absolute path, or one from a home folder; the slashes of URLs, units and ratios are none."""


def check_name(what: str, text: str) -> None:
    """Refuses what is not the name of a plugin, a version or the like, in plain ASCII.

    Raises:
        DataError: Naming what it is of.
    """
    if len(text) > MAX_NAME:
        raise DataError(f"{what} has {len(text)} characters, at most {MAX_NAME} are allowed")
    if text and not _NAME.fullmatch(text):
        raise DataError(f"{what} is {shown(text)}, expected a name", "names are plain ASCII")


def check_key(what: str, text: str) -> None:
    """Refuses what is not a key.

    Raises:
        DataError: Naming what it is of.
    """
    if not _KEY.fullmatch(text):
        raise DataError(f"{what} is {shown(text)}, expected 20 hexadecimal digits")


def check_text(what: str, text: str, limit: int = MAX_TEXT) -> None:
    """Refuses free text that a page, a table or a spreadsheet could take for an instruction.

    Raises:
        DataError: Where it is too long, has control characters or a tag, or begins a formula.
    """
    if len(text) > limit:
        raise DataError(f"{what} has {len(text)} characters, at most {limit} are allowed")
    if not text.replace("\n", "").isprintable():
        raise DataError(f"{what} holds control characters: {shown(text)}")
    if _TAG.search(text):
        raise DataError(f"{what} holds a tag: {shown(text)}")
    if text.startswith(_FORMULA):
        raise DataError(f"{what} begins like a formula: {shown(text)}")


def check_page(what: str, text: str) -> None:
    """Refuses a page of text that holds HTML, control characters, or a link that runs a script.

    Raises:
        DataError: Naming the first of these.
    """
    if not text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable():
        raise DataError(f"{what} holds control characters")
    tag = _TAG.search(text)
    if tag:
        raise DataError(
            f"{what} holds HTML: {shown(text[tag.start() :])}", "write Markdown without tags"
        )
    for scheme in _LINK.findall(text):
        if scheme.lower() not in ("http", "https", "mailto"):
            raise DataError(f"{what} links to {shown(scheme + ':')}, expected https")


def escaped(text: str) -> str:
    """One line of free text as Markdown shows it: no heading, link, image or tag."""
    text = _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))
    return text.replace("://", r"\://").replace("www.", r"www\.")


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Free text as `check_text` and privacy want it: one line, no tags, no absolute paths."""
    text = " ".join(without_paths(text).split())
    text = "".join(c if c.isprintable() else "?" for c in text)
    text = _TAG.sub(lambda tag: "‹" + tag[0][1:], text)
    text = text.lstrip("".join(_FORMULA)).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def without_paths(text: str) -> str:
    """The text with each absolute path cut to its last part."""
    return _PATH.sub(lambda path: "…/" + re.split(r"[/\\]", path[0].rstrip("/\\"))[-1], text)


def first_path(text: str) -> str:
    """The first absolute path in a text, or one from the home folder; empty where there is none."""
    found = _PATH.search(text)
    return found[0] if found else ""


def check_each(what: str, texts: Iterable[str | None], check: Callable[[str, str], None]) -> None:
    """Tries every text that is there; `what` names the column.

    Raises:
        DataError: For the first that does not pass.
    """
    for text in texts:
        if text is not None:
            check(what, text)
