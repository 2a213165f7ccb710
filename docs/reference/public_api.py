"""Lists the public API, a name a line: python docs/reference/public_api.py > …/public-api.txt."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import lensbench
import lensbench.testing
from lensbench.api import hookspecs


def lines() -> Iterator[str]:
    """Every public name with its signature, with members of classes; the kit; the hooks."""
    for name in lensbench.__all__:
        if name == "__version__":
            continue
        thing = getattr(lensbench, name)
        if inspect.isclass(thing):
            yield from _class(name, thing)
        elif inspect.isfunction(thing):
            yield f"{name}{_signature(thing)}"
        else:
            yield name if name != "API_VERSION" else f"{name} = {thing}"
    for module, prefix in ((lensbench.testing, "testing."), (hookspecs, "hook ")):
        for name, thing in sorted(vars(module).items()):
            home = getattr(thing, "__module__", "") or ""
            if name.startswith("_") or not home.startswith("lensbench."):
                continue
            if inspect.isclass(thing) and module is lensbench.testing:
                yield from _class(prefix + name, thing)
            elif inspect.isfunction(thing):
                yield f"{prefix}{name}{_signature(thing)}"


def _class(name: str, thing: type) -> Iterator[str]:
    """A class with what it has: methods, and attributes that its signature does not name."""
    yield f"class {name}{_signature(thing)}"
    told = _signature(thing)
    for key, kind in sorted(inspect.get_annotations(thing).items()):
        if not key.startswith("_") and f"{key}: " not in told:
            yield f"  {key}: {kind}"
    for key, member in sorted(vars(thing).items()):
        if not key.startswith("_") and inspect.isfunction(member):
            yield f"  {key}{_signature(member)}"


def _signature(thing: object) -> str:
    try:
        return str(inspect.signature(thing))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201
