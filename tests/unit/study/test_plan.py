"""From a request to cells."""

import pytest

from lensbench.errors import IncompatibleError, UsageError
from lensbench.study.plan import Request, check_targets, plan_run


def test_a_run_ranks_the_reference_encoder_and_all_baselines_of_the_task(catalogue):
    """The entrant asked for comes first, each other once."""
    for task, encoder in (("superres", "mae-vit"), ("morphology", "resnet18")):
        labels = [c.entrant.label for c in plan_run(catalogue, Request(task, encoder=encoder))]
        able = [b.entry.name for b in catalogue.of_kind("baseline") if task in b.entry.tasks]
        first = {"superres": ["mae-vit + none + finetune"], "morphology": []}[task]
        assert labels == [*first, "resnet18 + none + finetune", *able]
        assert len(able) > 1


def test_the_training_condition_comes_first(catalogue):
    """All named conditions are tested, the trained-on one first and once."""
    cell = plan_run(
        catalogue, Request(task="superres", encoder="mae-vit", train_condition="hst-acs")
    )[0]
    assert cell.tests[0].condition == "hst-acs"
    assert sorted(view.condition for view in cell.tests) == [
        "des-r",
        "euclid-vis",
        "hst-acs",
        "rubin-r",
    ]


@pytest.mark.parametrize(
    "request_",
    [
        Request(task="superres"),
        Request(task="superres", encoder="mae-vit", baseline="bicubic"),
        Request(task="superres", encoder="mae-vit", labels=0),
        Request(task="superres", encoder="mae-vit", budget="huge"),
        Request(task="superres", encoder="mae-vit", test_conditions=("moon",)),
        Request(task="morphology", baseline="bicubic"),
        Request(task="singing", encoder="mae-vit"),
    ],
)
def test_mistakes_are_refused_while_planning(catalogue, request_):
    """Nothing of these runs."""
    with pytest.raises(UsageError):
        plan_run(catalogue, request_)


def test_a_dataset_without_the_target_is_refused_with_those_that_have_it(catalogue):
    """The hint names datasets that would do."""
    with pytest.raises(IncompatibleError) as caught:
        check_targets(catalogue, "morphology", ("substructure",), "images:path=x")
    assert "lenses" in caught.value.hint
