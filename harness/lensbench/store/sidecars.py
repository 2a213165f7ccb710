"""The description beside an artefact, sealed so that a changed byte in it is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lensbench.store.keys import key_of

_FACTS = {"file", "sha256", "from", "cost"}
_SEAL = "seal"


def seal(facts: Mapping[str, Any]) -> str:
    """A description as text, with a hash of itself."""
    return json.dumps({**facts, _SEAL: key_of(facts)}, indent=1)


def unseal(text: str | bytes) -> dict[str, Any]:
    """The description that a text is.

    Raises:
        ValueError: Where it is not what was written.
    """
    facts: dict[str, Any] = json.loads(text)
    seal = facts.pop(_SEAL, None)
    if not {"file", "sha256", "from"} <= set(facts) <= _FACTS:
        raise ValueError("a description lacks a field or has one too many")
    if seal not in (None, key_of(facts)):
        raise ValueError("a description is not what its seal says")
    return facts
