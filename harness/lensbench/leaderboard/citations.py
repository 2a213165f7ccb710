"""Citations of exactly what a run or board used: BibTeX and CITATION.cff.

An entry has only what its plugin states: author, year and identifier. A title that nobody checked
would be worse than none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from lensbench.leaderboard.board.documents import Credit
from lensbench.leaderboard.forms import latex, printable
from lensbench.store.records import sides_of

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("encoder", ("encoder",)),
    ("pretraining", ("pretraining",)),
    ("transfer", ("transfer",)),
    ("baseline", ("baseline",)),
    ("task", ("task",)),
    ("dataset", ("dataset", "test_dataset")),
    ("condition", ("train_condition", "test_condition")),
)
"""Kinds of plugins, and the columns of records that name them."""

VIEWS = ("pretraining_views", "target_view")
"""Columns of records that name datasets with conditions."""

_ARXIV = re.compile(r"arXiv:((?:[a-z-]+/)?[0-9][0-9.]{5,})", re.IGNORECASE)
_OLD_ARXIV = re.compile(r"\b((?:astro-ph|hep-[a-z]+|gr-qc|cs|stat|math)/[0-9]{7})")
_DOI = re.compile(r"doi:(10\.[0-9]{4,}/\S+)", re.IGNORECASE)
_AUTHORS = re.compile(
    r"(?:^|[:,] |and |after )(?P<names>[A-Z][^:,;(]*?) (?P<year>(?:18|19|20)\d\d)\b"
)


@dataclass(frozen=True)
class Work:
    """One work to cite.

    Attributes:
        text: The text of the plugin.
        authors, year: As far as the text states them.
        arxiv, doi: Identifiers; both may be empty.
        used: Plugins that ask for it.
    """

    text: str
    authors: str = ""
    year: str = ""
    arxiv: str = ""
    doi: str = ""
    used: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """For BibTeX: author, year and identifier in letters and digits."""
        first = re.split(r" et al| & |, | and ", self.authors)[0]
        stem = f"{first or 'work'}{self.year}{self.arxiv or self.doi}"
        return re.sub(r"[^A-Za-z0-9]", "", stem).lower()


def plugins_of(records: pl.DataFrame) -> list[tuple[str, str]]:
    """Kind and name of all plugins that records name, without their options."""
    further: dict[str, set[str]] = {"dataset": set(), "condition": set()}
    for text in (text for column in VIEWS for text in records[column].unique()):
        for names, sides in zip(further.values(), sides_of(text), strict=True):
            names.update(sides)
    found = []
    for kind, columns in COLUMNS:
        texts = {text for column in columns for text in records[column].drop_nulls().unique()}
        names = {text.partition(":")[0] for text in texts | further.get(kind, set()) if text}
        found += [(kind, name) for name in sorted(names)]
    return found


def works_of(credited: Iterable[Credit]) -> list[Work]:
    """Works that plugins ask for, each once, with the plugins that ask for it."""
    found: dict[str, tuple[Work, list[str]]] = {}
    for credit in credited:
        for text in filter(None, (part.strip() for part in credit.citation.split("; "))):
            for work in _works(text):
                identity = work.doi or work.arxiv or work.text
                _, used = found.setdefault(identity, (work, []))
                used.append(f"{credit.kind} {credit.name}")
    return [
        Work(w.text, w.authors, w.year, w.arxiv, w.doi, tuple(dict.fromkeys(used)))
        for w, used in found.values()
    ]


def _works(text: str) -> list[Work]:
    """The works that one part of a citation names: by identifier, else by author and year."""
    marks = [("arxiv", m) for p in (_ARXIV, _OLD_ARXIV) for m in p.finditer(text)]
    marks += [("doi", m) for m in _DOI.finditer(text)]
    marks.sort(key=lambda mark: mark[1].start())
    works, identifiers, start = [], set(), 0
    for kind, match in marks:
        value = match[1].rstrip(".,;")
        value = value[:-1] if value.endswith(")") and value.count("(") < value.count(")") else value
        if value in identifiers:
            continue
        identifiers.add(value)
        names = list(_AUTHORS.finditer(text, start, match.start()))
        authors, year = (names[-1]["names"], names[-1]["year"]) if names else ("", "")
        arxiv, doi = (value, "") if kind == "arxiv" else ("", value)
        works.append(Work(text, authors, year, arxiv, doi))
        start = match.end()
    if works:
        return works
    named = _AUTHORS.search(text)
    return [Work(text, named["names"], named["year"])] if named else []


def remarks_of(credited: Iterable[Credit]) -> list[str]:
    """What plugins say beside works that can be named, such as where numbers are from."""
    return [
        f"{credit.kind} {credit.name}: {text}"
        for credit in credited
        for text in filter(None, (part.strip() for part in credit.citation.split("; ")))
        if not _works(text)
    ]


def bibtex(name: str, credited: Sequence[Credit]) -> str:
    """BibTeX of all works and of the software, with what each was used for."""
    entries: dict[str, str] = {}
    for package, version in _packages(credited):
        fields = {"title": package, "version": version, "note": _made_of(package, credited)}
        entries[f"{re.sub('[^A-Za-z0-9]', '', package).lower()}software"] = _entry(
            "software", fields
        )
    for work in works_of(credited):
        fields = {
            "author": _bibtex_authors(work.authors),
            "year": work.year,
            "eprint": work.arxiv,
            "archivePrefix": "arXiv" if work.arxiv else "",
            "doi": work.doi,
            "note": f"{work.text}; for {', '.join(work.used)}",
        }
        key = work.key
        while key in entries:
            key += "x"
        entries[key] = _entry("misc", fields)
    remarks = [f"What lensbench results {name} are made of", *remarks_of(credited)]
    head = "".join(f"% {printable(remark)}\n" for remark in remarks)
    return head + "\n".join(text.replace("KEY", key, 1) for key, text in entries.items())


def _entry(kind: str, fields: Mapping[str, str]) -> str:
    verbatim = ("eprint", "doi")
    lines = [
        f"  {name} = {{{re.sub('[{}]', '', value) if name in verbatim else latex(value)}}},"
        for name, value in fields.items()
        if value
    ]
    return "\n".join([f"@{kind}{{KEY,", *lines, "}", ""])


def _bibtex_authors(text: str) -> str:
    return text.replace(" et al.", " and others").replace(" & ", " and ").replace(", ", " and ")


def citation_cff(name: str, credited: Sequence[Credit]) -> str:
    """A CITATION.cff (version 1.2.0) of results, with software and works as references."""
    lines = [
        "cff-version: 1.2.0",
        'message: "If you use these results, please cite them and what they are made of."',
        f"title: {_quoted(f'lensbench results {name}')}",
        "type: dataset",
        "authors:",
        '  - name: "The lensbench developers"',
        "references:",
    ]
    for package, version in _packages(credited):
        lines += [
            "  - type: software",
            f"    title: {_quoted(package)}",
            f"    version: {_quoted(version)}",
            "    authors:",
            f"      - name: {_quoted(f'The {package} developers')}",
            f"    notes: {_quoted(_made_of(package, credited))}",
        ]
    for work in works_of(credited):
        lines += [
            "  - type: generic",
            f"    title: {_quoted(work.text)}",
            "    authors:",
            f"      - name: {_quoted(work.authors or 'see title')}",
            *([f"    year: {work.year}"] if work.year else []),
            *([f"    doi: {_quoted(work.doi)}"] if work.doi else []),
            *([f"    url: {_quoted(f'https://arxiv.org/abs/{work.arxiv}')}"] if work.arxiv else []),
            f"    notes: {_quoted('for ' + ', '.join(work.used))}",
        ]
    return "\n".join(lines) + "\n"


def _packages(credited: Iterable[Credit]) -> list[tuple[str, str]]:
    found = {(one.package, one.version) for one in credited}
    return sorted(found, key=lambda package: (package[0] != "lensbench", package))


def _made_of(package: str, credited: Iterable[Credit]) -> str:
    """What a package's plugins were, with versions of data."""
    names = [
        f"{one.kind} {one.name}" + (f" (scenes {one.data_version})" if one.data_version else "")
        for one in credited
        if one.package == package
    ]
    return ", ".join(names)


def _quoted(text: str) -> str:
    """Text as a YAML string: JSON's are such."""
    return json.dumps(text, ensure_ascii=True)
