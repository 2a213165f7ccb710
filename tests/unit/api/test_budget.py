"""Budgets by name, and with numbers changed."""

import pytest

from lensbench.api.budget import BUDGETS, find_budget
from lensbench.errors import UsageError
from lensbench.study.spec import parse_study


def test_numbers_are_changed():
    """Those that are named; the rest stays."""
    budget = find_budget("standard:train_steps=500")
    assert (budget.train_steps, budget.train_scenes) == (500, BUDGETS["standard"].train_scenes)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("quick", "quick"),
        ("quick:train_steps=150", "quick"),
        ("quick:test_scenes=9,train_steps=7", "quick:train_steps=7,test_scenes=9"),
        ("quick:train_steps= 7 ,train_scenes=512", "quick:train_steps=7"),
    ],
)
def test_a_budget_has_one_spelling(text, name):
    """So that the same cell has one key."""
    assert find_budget(text).name == name
    assert (
        parse_study(f'name = "s"\nbudget = "{text}"\n[axes]\ntask = ["finding"]\n').budget == name
    )


@pytest.mark.parametrize(
    "text",
    [
        "quik",
        "quick:train_step=3",
        "quick:train_steps=0",
        "quick:train_steps",
        "quick:",
        "quick:name=3",
    ],
)
def test_what_is_no_budget_is_refused(text):
    """With what would do."""
    with pytest.raises(UsageError) as caught:
        find_budget(text)
    assert caught.value.hint
