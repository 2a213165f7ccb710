"""From a request for one entrant to the cells of its table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lensbench.api.budget import find_budget
from lensbench.api.entry import Kind
from lensbench.errors import IncompatibleError, UsageError, nearest
from lensbench.registry import Catalogue, Registered, parse_reference
from lensbench.study.cell import Cell, Entrant, Seeds, View

DEFAULT_CONDITION = "euclid-vis"
"""What is trained under where the call does not say and the dataset allows."""


@dataclass(frozen=True)
class Request:
    """What `lensbench run` was asked for; empty text means the default."""

    task: str
    encoder: str = ""
    pretraining: str = ""
    transfer: str = "finetune"
    baseline: str = ""
    dataset: str = "lenses"
    test_dataset: str = ""
    train_condition: str = ""
    test_conditions: tuple[str, ...] = ()
    pretraining_dataset: str = ""
    pretraining_conditions: tuple[str, ...] = ()
    target_condition: str = ""
    labels: int | None = None
    seeds: Seeds = field(default_factory=Seeds)
    budget: str = "quick"


def plan_run(catalogue: Catalogue, request: Request) -> list[Cell]:
    """The cells of one run: the entrant asked for, the reference encoders, the task's baselines.

    Raises:
        UsageError: Where a name is unknown or an option is wrong.
        IncompatibleError: Where a dataset lacks what the task needs.
    """
    budget = find_budget(request.budget).name
    if bool(request.encoder) == bool(request.baseline):
        raise UsageError("name one --encoder or one --baseline", "lensbench list shows them")
    if request.labels is not None and request.labels < 1:
        raise UsageError(f"--labels {request.labels} is less than one", "leave it out for all")
    conditions = _conditions(catalogue, request)
    dataset = catalogue.canonical("dataset", request.dataset)
    tested = catalogue.canonical("dataset", request.test_dataset or request.dataset)
    seen = catalogue.canonical("dataset", request.pretraining_dataset or request.dataset)
    named = request.pretraining_conditions
    if request.pretraining_dataset and not named:
        named = usual_conditions(catalogue, seen)[:1]
    pretraining = find_conditions(catalogue, seen, named)
    target = find_conditions(catalogue, dataset, tuple(filter(None, [request.target_condition])))
    views = tuple(View(seen, name) for name in pretraining or conditions[:1])
    base = Cell(
        entrant=Entrant(),
        task=catalogue.canonical("task", request.task),
        train=View(dataset, conditions[0]),
        tests=tuple(View(tested, name) for name in conditions),
        labels=request.labels,
        seeds=request.seeds,
        budget=budget,
    )
    entrants = dict.fromkeys([_asked(catalogue, request), *_beside(catalogue, request)])
    away = View(tested, target[0] if target else conditions[-1])
    return [fitted(catalogue, base, entrant, views, away) for entrant in entrants]


def fitted(
    catalogue: Catalogue, base: Cell, entrant: Entrant, pretraining: tuple[View, ...], target: View
) -> Cell:
    """A cell of this entrant, with the views that it makes use of and no other.

    Args:
        catalogue: The plugins.
        base: All but the entrant.
        entrant: Who.
        pretraining: What a pretraining that looks at images is to see.
        target: What a transfer that adapts is to adapt to.
    """
    if entrant.baseline:
        return replace(base, entrant=entrant)
    looks = catalogue.type_of("pretraining", entrant.pretraining).needs_images
    adapts = catalogue.type_of("transfer", entrant.transfer).adapts
    return replace(
        base,
        entrant=entrant,
        pretraining=pretraining if looks else (),
        target=target if adapts else None,
    )


def check_targets(catalogue: Catalogue, task: str, needed: tuple[str, ...], dataset: str) -> None:
    """Refuses a dataset that does not provide what a task needs, and names those that do.

    Raises:
        IncompatibleError: Where a target is missing.
    """
    registered = catalogue.find("dataset", parse_reference(dataset).name)
    missing = [name for name in needed if name not in registered.entry.targets]
    if missing:
        fitting = [
            item.entry.name
            for item in catalogue.of_kind("dataset")
            if set(needed) <= set(item.entry.targets)
        ]
        raise IncompatibleError(
            f"dataset {registered.entry.name!r} has no target {missing[0]!r}, "
            f"which task {parse_reference(task).name!r} needs",
            f"datasets that do: {', '.join(fitting) or 'none installed'}",
        )


def _conditions(catalogue: Catalogue, request: Request) -> tuple[str, ...]:
    """Training condition first, then every other asked for: the usual ones where none is."""
    possible = possible_conditions(catalogue, request.dataset)
    if request.test_dataset and possible_conditions(catalogue, request.test_dataset) != possible:
        raise IncompatibleError(
            f"{request.dataset!r} and {request.test_dataset!r} share no condition",
            "images that were observed already are trained and tested on by themselves",
        )
    usual = usual_conditions(catalogue, request.dataset)
    named = (request.train_condition or usual[0], *(request.test_conditions or usual))
    return find_conditions(catalogue, request.dataset, named)


def usual_conditions(catalogue: Catalogue, dataset: str) -> tuple[str, ...]:
    """Conditions for a call that names none, that to train under first."""
    possible = possible_conditions(catalogue, dataset)
    reference = {item.entry.name for item in catalogue.of_kind("condition") if item.entry.reference}
    usual = tuple(name for name in possible if name in reference) or possible
    home = DEFAULT_CONDITION if DEFAULT_CONDITION in possible else possible[0]
    return tuple(dict.fromkeys((home, *usual)))


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


def _asked(catalogue: Catalogue, request: Request) -> Entrant:
    if request.baseline:
        registered = catalogue.find("baseline", parse_reference(request.baseline).name)
        _check_baseline(registered, request.task)
        return Entrant(baseline=catalogue.canonical("baseline", request.baseline))
    return encoder_entrant(catalogue, request.encoder, request.pretraining, request.transfer)


def _beside(catalogue: Catalogue, request: Request) -> list[Entrant]:
    """Reference encoders, where there is a head to train, and all baselines that do the task."""
    task = parse_reference(request.task).name
    references = [
        encoder_entrant(catalogue, item.entry.name, "", "finetune")
        for item in catalogue.of_kind("encoder")
        if item.entry.reference and catalogue.type_of("task", request.task).trainable
    ]
    baselines = [
        Entrant(baseline=item.entry.name)
        for item in catalogue.of_kind("baseline")
        if task in item.entry.tasks
    ]
    return [*references, *baselines]


def encoder_entrant(catalogue: Catalogue, encoder: str, pretraining: str, transfer: str) -> Entrant:
    """An entrant with an encoder, in canonical form; its own pretraining where none is named."""
    kinds: list[tuple[Kind, str]] = [
        ("encoder", encoder),
        ("pretraining", pretraining or own_pretraining(catalogue, encoder)),
        ("transfer", transfer),
    ]
    return Entrant(*(catalogue.canonical(kind, text) for kind, text in kinds))


def own_pretraining(catalogue: Catalogue, encoder: str) -> str:
    """An encoder's own strategy; none where it starts from weights of a file."""
    own = catalogue.find("encoder", parse_reference(encoder).name).entry.pretraining
    return "none" if own != "none" and catalogue.digest(encoder) else own


def _check_baseline(registered: Registered, task: str) -> None:
    name = parse_reference(task).name
    if name not in registered.entry.tasks:
        raise IncompatibleError(
            f"baseline {registered.entry.name!r} does not do task {name!r}",
            f"it does: {', '.join(registered.entry.tasks)}",
        )
