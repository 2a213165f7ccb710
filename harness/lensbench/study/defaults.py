"""Conditions and pretrainings that stand where a study or a call names none."""

from __future__ import annotations

from lensbench.api.entry import Kind
from lensbench.errors import IncompatibleError, nearest
from lensbench.registry import Catalogue, parse_reference
from lensbench.study.cell import Entrant

DEFAULT_CONDITION = "euclid-vis"
"""Condition to train under, where none is named and the dataset can be seen under this one."""


def usual_conditions(catalogue: Catalogue, dataset: str, trained: str = "") -> tuple[str, ...]:
    """Conditions to test under where none are named; the first is the one to train under.

    Args:
        catalogue: The plugins.
        dataset: What is seen under them.
        trained: The condition that is trained under, if it is named. Of several bands it is the
            first, and the usual ones have the same; none are usual where its options say the bands.
    """
    possible = possible_conditions(catalogue, dataset)
    bands = _bands(catalogue, trained) if trained else ()
    reference = {
        item.entry.name
        for item in catalogue.of_kind("condition")
        if item.entry.reference and item.entry.bands == bands
    }
    usual = tuple(name for name in possible if name in reference)
    if bands != ():
        return tuple(dict.fromkeys((trained, *usual)))
    usual = usual or possible
    home = DEFAULT_CONDITION if DEFAULT_CONDITION in possible else possible[0]
    return tuple(dict.fromkeys((home, *usual)))


def _bands(catalogue: Catalogue, condition: str) -> tuple[str, ...] | None:
    """Bands of a condition: none of one filter, `None` where its options say which."""
    known = catalogue.find("condition", parse_reference(condition).name).entry.bands
    return None if not known and catalogue.build("condition", condition).bands else known


def find_conditions(catalogue: Catalogue, dataset: str, named: tuple[str, ...]) -> tuple[str, ...]:
    """Conditions in canonical form, each once, that a dataset can be seen under.

    Raises:
        UsageError: Where a name is unknown.
        IncompatibleError: Where the dataset cannot be seen so.
    """
    possible = possible_conditions(catalogue, dataset)
    for text in named:
        name = parse_reference(text).name
        catalogue.find("condition", name)
        if name not in possible:
            raise IncompatibleError(
                f"dataset {parse_reference(dataset).name!r} cannot be seen under {name!r}",
                nearest(name, possible),
            )
    return tuple(dict.fromkeys(catalogue.canonical("condition", text) for text in named))


def possible_conditions(catalogue: Catalogue, dataset: str) -> tuple[str, ...]:
    """Conditions that a dataset can be seen under: its own, or all that are no other's own."""
    own = catalogue.find("dataset", parse_reference(dataset).name).entry.conditions
    taken = {name for item in catalogue.of_kind("dataset") for name in item.entry.conditions}
    named = (item.entry.name for item in catalogue.of_kind("condition"))
    return own or tuple(name for name in named if name not in taken)


def encoder_entrant(catalogue: Catalogue, encoder: str, pretraining: str, transfer: str) -> Entrant:
    """An entrant with an encoder, in canonical form; the pretraining `own` is the encoder's own."""
    strategy = own_pretraining(catalogue, encoder) if pretraining == "own" else pretraining
    kinds: list[tuple[Kind, str]] = [
        ("encoder", encoder),
        ("pretraining", strategy),
        ("transfer", transfer),
    ]
    return Entrant(*(catalogue.canonical(kind, text) for kind, text in kinds))


def own_pretraining(catalogue: Catalogue, encoder: str) -> str:
    """The strategy that an encoder names as its own; `none` where its weights come from a file."""
    name = catalogue.reference("encoder", encoder).name
    own = catalogue.find("encoder", name).entry.pretraining
    return "none" if own != "none" and catalogue.digest(encoder) else own
