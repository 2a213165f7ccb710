"""Adaptation to images without labels: what it gains, and what it never sees."""

import sys
from dataclasses import replace
from math import log
from types import ModuleType

import pytest
import torch

from lensbench import IncompatibleError, SkyTarget
from lensbench.testing import made_samples
from lensbench.training.chance import seeded
from lensbench.training.checkpoints import keeping
from lensbench_reference.transfers.adamatch import (
    AdaMatch,
    aligned_with,
    target_loss,
    target_weight,
)
from lensbench_reference.transfers.adda import (
    AdversarialAdaptation,
    AdversarialGame,
    discriminator_loss,
    encoder_loss,
)
from lensbench_reference.transfers.augmentation import strong, weak
from lensbench_reference.transfers.domains import untracked
from lensbench_reference.transfers.finetune import FineTune
from lensbench_reference.transfers.self_ensemble import (
    SelfEnsemble,
    StudentAndTeacher,
    balance_loss,
    consistency_loss,
)

ADDA = AdversarialAdaptation(AdversarialAdaptation.Options(learning_rate=3e-3, hidden=64))
ADAMATCH = AdaMatch(AdaMatch.Options(learning_rate=3e-3, ratio=2))
SELF_ENSEMBLE = SelfEnsemble(SelfEnsemble.Options(learning_rate=3e-3, threshold=0.8))
ALL = {"adda": ADDA, "adamatch": ADAMATCH, "self-ensemble": SELF_ENSEMBLE}
each = pytest.mark.parametrize("transfer", ALL.values(), ids=ALL)


@pytest.fixture
def source_only():
    """Training on the source alone, at the same rate and batch."""
    return FineTune(FineTune.Options(learning_rate=3e-3, batch_size=32))


CASES = [
    ("adda", "fainter", 16),
    ("adamatch", "moved away", 16),
    ("adamatch", "moved away", 24),
    ("self-ensemble", "moved away", 16),
]


@pytest.mark.parametrize(("name", "change", "size"), CASES)
def test_it_recovers_what_the_shift_cost(
    build, context, domains, accuracy, changes, source_only, name, change, size
):
    """Of the accuracy that training on the source alone loses, at least half comes back."""
    source, target, test = domains(changes[change], size)
    there = context(source, target, steps=100)
    before = accuracy(source_only.fit(build(), there), test)
    after = accuracy(ALL[name].fit(build(), there), test)
    assert before < 0.85
    assert after > before + 0.5 * (1 - before)


@each
def test_labels_of_the_target_make_no_difference(build, context, domains, transfer):
    """Permuted, absent: the same bits."""
    source, target, test = domains()
    permuted = replace(target, targets={"substructure": torch.randint(0, 3, (len(target),))})
    answers = []
    for unlabelled in (target, permuted):
        with seeded(3):
            predictor = transfer.fit(build(), context(source, unlabelled, steps=3))
        answers.append(predictor(replace(test, targets={}))["probability"])
    assert torch.equal(*answers)


@each
def test_images_of_the_target_make_a_difference(build, context, domains, transfer):
    """Others give other answers."""
    source, target, test = domains()
    answers = []
    for unlabelled in (target, replace(target, images=target.images.flip(0) + 5)):
        with seeded(3):
            predictor = transfer.fit(build(), context(source, unlabelled, steps=3))
        answers.append(predictor(replace(test, targets={}))["probability"])
    assert not torch.allclose(*answers, atol=1e-5)


class CrashError(Exception):
    """Something that no one foresaw."""


@each
@pytest.mark.parametrize("crash_at", [3, 6])
def test_a_stopped_adaptation_ends_with_the_same_bits(
    build, context, domains, transfer, tmp_path, crash_at
):
    """Resumed from its checkpoints, with statistics, teacher and step where they were."""
    source, target, _ = domains()
    told = 0

    def report(progress):
        nonlocal told
        told += 1
        if told == crash_at:
            raise CrashError

    def fitted(report):
        with seeded(3), keeping(tmp_path / "c", 0.0) as kept:
            steps = 4 if transfer is ADDA else 8  # so that the second crash is in its second stage
            adaptation = replace(
                context(source, target, steps=steps), report=report, checkpoints=kept.named
            )
            return transfer.fit(build(normalised=True), adaptation).state()

    whole = fitted(lambda *_: None)
    with pytest.raises(CrashError):
        fitted(report)
    resumed = fitted(lambda *_: None)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


@each
def test_there_must_be_something_to_adapt_to(build, context, domains, transfer):
    """Without target samples, and for a task without classes, it says so."""
    source = domains().source
    with pytest.raises(IncompatibleError, match="no samples to adapt to"):
        transfer.fit(build(), context(source))
    made = replace(made_samples(8), info={})
    with pytest.raises(IncompatibleError, match="asks for no class"):
        transfer.fit(build(), context(made, made))


@each
def test_an_encoder_without_weights_is_refused(catalogue, transfer):
    """Before anything runs."""
    with pytest.raises(IncompatibleError, match="has none"):
        transfer.check(catalogue.build("encoder", "pixels", channels=1), "none")


def test_the_game_gives_each_side_its_own_gradient(build):
    """One loss for both has the gradients of the two losses minimised in turn."""
    encoder = build()
    batch, other = made_samples(8), made_samples(8, seed=1)
    game = AdversarialGame(encoder, torch.randn(32, 16), 8).train()
    against, fooling = game.losses(batch, other)
    (against + fooling).backward()
    found = {name: p.grad.clone() for name, p in game.named_parameters() if p.requires_grad}

    def gradients(loss, part):
        parameters = dict(getattr(game, part).named_parameters())
        return dict(zip(parameters, torch.autograd.grad(loss, parameters.values()), strict=True))

    def logits(encoder, samples):
        pooled = encoder(torch.asinh(samples.images / 3)).pooled
        return game.discriminator((pooled - game.mean) / game.scale)[:, 0]

    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    labels = torch.cat([torch.ones(8), torch.zeros(8)])
    first = entropy(torch.cat([logits(game.source, batch), logits(game.target, other)]), labels)
    for name, wanted in gradients(first, "discriminator").items():
        assert torch.allclose(found[f"discriminator.{name}"], wanted, atol=1e-6)
    second = entropy(logits(game.target, other), torch.ones(8))
    for name, wanted in gradients(second, "target").items():
        assert torch.allclose(found[f"target.{name}"], wanted, atol=1e-6)


def test_losses_of_the_game_in_closed_form():
    """At even odds every cross-entropy is log 2; a sure discriminator pays nothing."""
    even = torch.zeros(5)
    assert discriminator_loss(even, even).item() == pytest.approx(0.6931472)
    assert encoder_loss(even).item() == pytest.approx(0.6931472)
    assert discriminator_loss(even + 30, even - 30).item() == pytest.approx(0, abs=1e-6)
    assert encoder_loss(even - 30).item() == pytest.approx(30.0)


def test_alignment_makes_classes_as_frequent_as_in_the_source():
    """By hand: a class half as frequent as it should be is doubled before all is normalised."""
    source = torch.tensor([[0.5, 0.5], [0.5, 0.5]])
    target = torch.tensor([[0.75, 0.25], [0.75, 0.25]])
    assert torch.allclose(aligned_with(target, source), torch.full((2, 2), 0.5))
    lopsided = aligned_with(torch.tensor([[0.9, 0.1], [0.6, 0.4]]), source)
    first = torch.tensor([0.9 / 0.75, 0.1 / 0.25])
    assert torch.allclose(lopsided[0], first / first.sum())


def test_only_answers_that_are_sure_enough_count():
    """The threshold is relative to how sure the network is in the source."""
    source = torch.tensor([[0.8, 0.2], [0.2, 0.8]])
    target = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]])
    strong_views = torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.01, 0.99]])
    wanted = -(log(0.5) + 0.1 * log(0.25) + 0.9 * log(0.75)) / 3
    assert target_loss(source, target, strong_views, 0.9).item() == pytest.approx(wanted)
    assert target_loss(source, target, strong_views, 1.0 / 0.8).item() == 0


def test_the_targets_weight_rises_to_one_by_half_time():
    """μ(0) = 0, μ(T/4) = 1/2, one from T/2 on."""
    assert [target_weight(step, 100) for step in (0, 25, 50, 99)] == pytest.approx([0, 0.5, 1, 1])


def test_the_teacher_is_the_moving_mean_of_the_student(build, context, domains):
    """First the mean of all steps, then an exponential one."""
    from lensbench_reference.transfers.fitting import HeadedEncoder

    ctx = context(domains().source)
    options = SelfEnsemble.Options(memory=0.6)
    pair = StudentAndTeacher(HeadedEncoder(build(), ctx), ctx.task, options)
    weight = next(pair.student.parameters())
    slow = next(pair.teacher.parameters())
    seen = []
    with torch.no_grad():
        for value in (1.0, 3.0, 5.0, 7.0):
            weight.fill_(value)
            pair.follow()
            seen.append(slow.flatten()[0].item())
    assert seen == pytest.approx([1.0, 2.0, 3.2, 0.6 * 3.2 + 0.4 * 7.0])


def test_consistency_in_closed_form():
    """Squared differences of the sure ones, over all; balance is least at equal shares."""
    student = torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    teacher = torch.tensor([[1.0, 0.0], [0.6, 0.4]])
    assert consistency_loss(student, teacher, 0.9).item() == pytest.approx(0.25 / 2)
    equal = balance_loss(torch.full((4, 2), 0.5)).item()
    assert equal == pytest.approx(2 * 0.6931472)
    assert balance_loss(torch.tensor([[0.7, 0.3]])).item() > equal


@pytest.mark.parametrize("view", [weak, strong])
def test_views_keep_the_radius_of_a_ring(view):
    """The distance of the light from its own centre is what it was: no zoom, no crop."""
    size = 64
    axis = torch.arange(size) - (size - 1) / 2
    ring = torch.exp(-0.5 * (torch.hypot(axis[:, None], axis[None, :]) - 14) ** 2) * 1e4
    made = made_samples(count=16, size=size, sky=SkyTarget())
    samples = replace(made, images=ring.expand(16, 1, -1, -1), targets={})
    images = view(samples, torch.Generator().manual_seed(3)).images[:, 0]
    # The farthest light is a ring's outer edge about the known shift, whatever is masked.
    rows, columns = (images > 5e3).any(2).float(), (images > 5e3).any(1).float()
    for shadow in (rows, columns):
        extent = (shadow * torch.arange(size)).amax(1) - torch.where(
            shadow > 0, torch.arange(size), size
        ).amin(1)
        assert bool((extent <= 30).all())
        assert extent.median() == 29 or extent.median() == 30


def test_untracked_batches_leave_the_statistics(build):
    """And those after it do not."""
    net = build(normalised=True).train()
    before = net.layers_[1].running_mean.clone()
    with untracked(net):
        net(torch.randn(4, 1, 16, 16))
    assert torch.equal(net.layers_[1].running_mean, before)
    net(torch.randn(4, 1, 16, 16))
    assert not torch.equal(net.layers_[1].running_mean, before)


def test_losses_are_those_of_the_published_code(monkeypatch):
    """Consistency and the source's loss of `deeplense-domain-adaptation`, where it is installed.

    Not compared are its alignment, a ratio of means over all classes and so one, and its
    balance of classes, which is the same whatever the answers are.
    """
    monkeypatch.setitem(sys.modules, "seaborn", ModuleType("seaborn"))
    name = "deeplense_domain_adaptation.algorithms"
    ensemble = pytest.importorskip(f"{name}.self_ensemble").SelfEnsemble
    adamatch = pytest.importorskip(f"{name}.adamatch").Adamatch
    random = torch.Generator().manual_seed(0)
    student, teacher = (
        torch.softmax(4 * torch.randn(64, 3, generator=random), 1) for _ in range(2)
    )
    theirs, _ = ensemble._augmentation_loss(student, teacher, 0.9, class_balance=0.0)
    assert consistency_loss(student, teacher, 0.9).item() == pytest.approx(theirs.item())
    hard = torch.nn.functional.one_hot(teacher.argmax(1), 3).float()
    sure = (hard.max(1).values > 0.9).float()
    theirs = adamatch._compute_target_loss(teacher.argmax(1), student.log(), sure)
    as_frequent = hard.mean(0).expand(64, 3)  # so that there is nothing to align
    assert target_loss(as_frequent, hard, student, 0.9).item() == pytest.approx(
        theirs.item(), rel=1e-5
    )
