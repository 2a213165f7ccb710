"""The code that a result depends on: all source that is reached by import, found by reading it.

Docstrings and comments do not count, nor do imports for type checkers. A name taken from the
public namespace (`from lensbench import X`) stands for the module that defines it. What is looked
up by name at run time cannot be seen here: a module that does so says what it may find,

    IMPORTED_BY_NAME = ("timm", "my_package.extras")
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensbench import _HOMES
from lensbench.store.keys import key_of

APART = (
    "lensbench.compatibility",
    "lensbench.errors",
    "lensbench.cells.plugins",
    "lensbench.registry.catalogue",
    "lensbench.store",
    "lensbench.study",
    "lensbench.api.entry",
    "lensbench.api.hookspecs",
    "lensbench.sky.custom",
    "lensbench.sky.grades",
    "lensbench.sky.ground",
    "lensbench.sky.hooks",
    "lensbench.sky.instruments",
    "lensbench.sky.space",
    "lensbench.training.costs",
    "lensbench.training.lineage",
)
"""Modules that take no part in results though code that does imports them.

They word errors, find plugins, keep files, measure time and end processes; what `study` says and
the numbers of conditions stand in the descriptions themselves.
"""

_NOT_COMPUTING = {"annotated_types", "pluggy", "pydantic", "typing_extensions"}
"""Packages that check what is given and compute nothing."""

_DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn"}
"""Of packages that are named otherwise; others are looked for, which takes a second."""

_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class Module:
    """What is known of one module from its source.

    Attributes:
        digest: Of its statements, without docstrings and comments.
        parts: Digest of each function, method and class, and of the rest under an empty name.
        imports: Modules that it imports, as far as they can be found.
        at_once: Those of them that are imported with it, and not inside a function.
    """

    digest: str
    parts: Mapping[str, str]
    imports: frozenset[str]
    at_once: frozenset[str]


@dataclass(frozen=True)
class Closure:
    """The code that is reached by import.

    Attributes:
        modules: Those whose source counts, by name.
        packages: Other packages that they import, with the version that is installed.
    """

    modules: Mapping[str, Module]
    packages: Mapping[str, str]

    @functools.cached_property
    def description(self) -> dict[str, Any]:
        """The digest of every module and the versions of packages, which have one key."""
        digests = {name: module.digest for name, module in sorted(self.modules.items())}
        return {"kind": "code", "modules": digests, "packages": self.packages}

    @functools.cached_property
    def code(self) -> dict[str, Any]:
        """What the description of an artefact says of its code: its digest, and torch's version."""
        return {"source": key_of(self.description), "torch": self.packages.get("torch", "")}


def closure_of(entries: Iterable[str], at_once: bool = False) -> Closure:
    """All that is reached from these modules, which count themselves.

    Args:
        entries: Names of modules. The source of the packages that they are in is read, and that of
            modules outside of any installed package; other packages count by their version.
        at_once: Whether to follow only what is imported with each module, not inside functions.
    """
    waiting = list(dict.fromkeys(entries))
    own = frozenset({"lensbench", *(name.partition(".")[0] for name in waiting)})
    modules: dict[str, Module] = {}
    packages: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if name in modules or top in packages or top in sys.stdlib_module_names or apart(name):
            continue
        file = module_file(name)
        if file is None or file.suffix != ".py" or (top not in own and _is_installed(top)):
            if top not in _NOT_COMPUTING and (version := _version(top)):
                packages[top] = version
            continue
        module = modules[name] = read_module(name)
        waiting += module.at_once if at_once else module.imports
        waiting += _parents(name)
    return Closure(modules, dict(sorted(packages.items())))


def apart(name: str) -> bool:
    """Whether a module takes no part in results."""
    return name == "lensbench" or any(name == one or name.startswith(f"{one}.") for one in APART)


@functools.cache
def module_file(name: str) -> Path | None:
    """Where the source of a module is, found without importing it or the packages that it is in."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.has_location else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder).joinpath(*rest)
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                return file
    return None


@functools.cache
def read_module(name: str) -> Module:
    """What the source of a module says; read once in each process."""
    file = module_file(name)
    assert file is not None, name
    tree = ast.parse(file.read_bytes(), str(file))
    _strip(tree)
    parts: dict[str, list[str]] = {"": []}
    for node in tree.body:
        _split(node, "", parts)
    digests = {part: _hash("".join(words)) for part, words in parts.items()}
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    finder = _Imports(package)
    finder.visit(tree)
    return Module(
        _hash("".join(f"{part} {digest}\n" for part, digest in digests.items())),
        digests,
        frozenset(finder.everywhere - {name}),
        frozenset(finder.at_once - {name}),
    )


def _strip(tree: ast.Module) -> None:
    """Takes docstrings, and what only type checkers read, out of a tree."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                setattr(node, field, [*_kept(statements)])


def _kept(statements: list[Any]) -> Iterator[Any]:
    for node in statements:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _kept(node.orelse)
        else:
            yield node


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _split(node: ast.stmt, prefix: str, parts: dict[str, list[str]]) -> None:
    """Puts a statement to the function or class that it defines, or to the rest."""
    name = prefix + getattr(node, "name", "")
    if isinstance(node, ast.ClassDef):
        inner, node.body = node.body, []
        _write(node, parts.setdefault(name, []))
        for statement in inner:
            _split(statement, f"{name}.", parts)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        _write(node, parts.setdefault(name, []))
    else:
        _write(node, parts.setdefault(prefix.removesuffix("."), []))
    if isinstance(node, ast.ClassDef):
        node.body = inner


def _write(value: Any, words: list[str]) -> None:
    """A tree as text that is the same in all versions of Python."""
    if isinstance(value, ast.AST):
        words.append(type(value).__name__)
        for field in value._fields:
            inner = getattr(value, field, None)
            if inner is None or inner == [] or field in ("ctx", "kind", "type_comment"):
                continue
            words.append(f"({field} ")
            _write(inner, words)
            words.append(")")
    elif isinstance(value, list):
        for item in value:
            words.append("[")
            _write(item, words)
            words.append("]")
    else:
        words.append(repr(value))


class _Imports(ast.NodeVisitor):
    """Collects the modules that a module imports, and those that it names as found at run time."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.everywhere: set[str] = set()
        self.at_once: set[str] = set()
        self.public = set[str]()
        self.depth = 0

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name)
            if alias.name.partition(".")[0] == "lensbench":
                self.public.add(alias.asname or "lensbench")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            home = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            base = ".".join([*home, *filter(None, [base])])
        for alias in node.names:
            if base == "lensbench" and alias.name in _HOMES:
                self._add(f"lensbench.{_HOMES[alias.name]}")
            else:
                inner = f"{base}.{alias.name}"
                self._add(inner if module_file(inner) else base)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = getattr(node.value, "id", None)
        if name in self.public and node.attr in _HOMES:
            self._add(f"lensbench.{_HOMES[node.attr]}")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if [getattr(target, "id", "") for target in node.targets] == ["IMPORTED_BY_NAME"]:
            for name in ast.literal_eval(node.value):
                self.everywhere.add(name)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: Any) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def _add(self, name: str) -> None:
        self.everywhere.add(name)
        if not self.depth:
            self.at_once.add(name)


def _parents(name: str) -> Iterator[str]:
    """The packages that a module is in, which Python imports before it."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        parent = ".".join(parts[:length])
        if module_file(parent) is not None:
            yield parent


@functools.cache
def _is_installed(package: str) -> bool:
    """Whether a package lies where its distribution was installed, and not in a checkout."""
    file = module_file(package)
    if file is None or not _INSTALLED.isdisjoint(file.parts):
        return True
    distribution = _distribution(package)
    if distribution is None:
        return False
    return file.is_relative_to(str(distribution.locate_file("")))


def _version(package: str) -> str:
    """The version of the distribution that a package comes with; empty where there is none."""
    if package == "torch":
        return _torch_version()
    distribution = _distribution(package)
    return distribution.version if distribution else ""


@functools.cache
def _torch_version() -> str:
    """What `torch.__version__` says, which names the build, found without importing torch."""
    file = module_file("torch.version")
    found = re.search(r"^__version__ = ['\"](.+)['\"]", file.read_text() if file else "", re.M)
    return found[1] if found else ""


@functools.cache
def _distribution(package: str) -> importlib.metadata.Distribution | None:
    """The distribution that a package comes with."""
    try:
        return importlib.metadata.distribution(_DISTRIBUTIONS.get(package, package))
    except importlib.metadata.PackageNotFoundError:
        names = _distributions().get(package, ())
        return importlib.metadata.distribution(names[0]) if names else None


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
