"""Lists the public API, a name a line: python docs/reference/public_api.py > …/public-api.txt."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import lensbench


def lines() -> Iterator[str]:
    """Every public name with its signature, and the public methods of classes."""
    for name in lensbench.__all__:
        if name == "__version__":
            continue
        thing = getattr(lensbench, name)
        if inspect.isclass(thing):
            yield f"class {name}{_signature(thing)}"
            for key, member in sorted(vars(thing).items()):
                if not key.startswith("_") and inspect.isfunction(member):
                    yield f"  {key}{_signature(member)}"
        elif inspect.isfunction(thing):
            yield f"{name}{_signature(thing)}"
        else:
            yield name if name != "API_VERSION" else f"{name} = {thing}"


def _signature(thing: object) -> str:
    try:
        return str(inspect.signature(thing))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201
