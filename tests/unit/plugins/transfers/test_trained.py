"""Fine-tuning with rates by layer, low-rank updates, and training from the beginning."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from lensbench import Encoder, IncompatibleError, encode
from lensbench.testing import made_samples
from lensbench_reference.tasks.finding import Finding
from lensbench_reference.tasks.regression import Regression
from lensbench_reference.transfers.finetune import FineTune
from lensbench_reference.transfers.fitting import (
    HeadedEncoder,
    best_score,
    fit_head,
    validation_score,
)
from lensbench_reference.transfers.layers import layers_of, rates_by_layer
from lensbench_reference.transfers.lora import (
    DecomposedUpdate,
    LowRankAdaptation,
    LowRankUpdate,
    RankStabilisedAdaptation,
    WeightDecomposedAdaptation,
    adapted_weights,
)
from lensbench_reference.transfers.scratch import Scratch, redraw

LORA = LowRankAdaptation(LowRankAdaptation.Options(rank=2))
ENCODERS = ["equivariant:group=c4,width=2", "mae-vit:width=32,depth=2", "resnet18:width=8",
            "rbm:hidden=32", "timm:test_vit", "vae:width=8"]  # fmt: skip


@pytest.fixture(params=ENCODERS)
def encoder(request, catalogue):
    """Encoders of every kind."""
    if request.param.startswith("timm"):
        pytest.importorskip("timm", reason="timm is not installed")
    return catalogue.build("encoder", request.param, channels=1)


def test_rates_fall_from_the_last_layer_to_the_first(catalogue):
    """Blocks of a transformer differ by the factor; registers go with the first layer."""
    vit = catalogue.build("encoder", "mae-vit:width=32,depth=3,registers=2", channels=1)
    rates = rates_by_layer(vit, 0.5, "encoder.")
    assert rates["encoder.norm.weight"] == 0.5
    blocks = [rates[f"encoder.blocks.{i}.qkv.weight"] for i in range(3)]
    assert blocks == [0.5**4, 0.5**3, 0.5**2]
    assert rates["encoder.embed.weight"] == rates["encoder.registers"] == 0.5**5


def test_every_parameter_has_a_rate(encoder):
    """None twice, none larger than the head's, the first layer's the least."""
    rates = rates_by_layer(encoder, 0.7, "")
    assert set(rates) == {name for name, _ in encoder.named_parameters()}
    depth = len(layers_of(encoder))
    assert min(rates.values()) == pytest.approx(0.7**depth)
    assert max(rates.values()) == pytest.approx(0.7)


def test_an_encoder_may_say_what_its_layers_are():
    """Its own list is taken."""

    class Told(Encoder, nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = nn.Linear(2, 2), nn.Linear(2, 2)

        def layers(self):
            return [self.first, self.last]

    rates = rates_by_layer(Told(), 0.1, "")
    assert rates["first.weight"] == pytest.approx(0.01)
    assert rates["last.weight"] == pytest.approx(0.1)


def test_a_decay_moves_the_first_layers_less(build, context):
    """And leaves the rate of the head alone."""
    samples, moved = made_samples(24), []
    for decay in (1.0, 0.1):
        encoder = build()
        before = copy.deepcopy(encoder)
        options = FineTune.Options(layer_decay=decay)
        FineTune(options).fit(encoder, context(samples, steps=3))
        pairs = zip(before.parameters(), encoder.parameters(), strict=True)
        moved.append([(a - b).abs().max().item() for a, b in pairs])
    assert moved[1][0] < 0.01 * moved[0][0]
    assert moved[1][-1] > 0.05 * moved[0][-1]


def test_the_head_first_leaves_what_is_learned(build, context):
    """The head alone is trained at first, the encoder not."""
    samples = made_samples(24)
    encoder = build()
    alone = context(samples, steps=30)
    model = HeadedEncoder(encoder, alone)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def loss() -> float:
        with torch.no_grad():
            return float(alone.task.loss(model(samples), samples))

    begun = loss()
    fit_head(model, alone)
    moved = {name for name, value in model.state_dict().items() if not before[name].equal(value)}
    assert moved and all(name.startswith("head.") for name in moved)
    assert loss() < begun
    assert all(parameter.requires_grad for parameter in encoder.parameters())


def test_a_fit_that_begins_with_the_head_begins_lower(build, context):
    """After one step of little rate it has nearly the loss of the head alone."""
    samples, found = made_samples(24), []
    for first in (False, True):
        torch.manual_seed(0)
        options = FineTune.Options(head_first=first, learning_rate=1e-6)
        predictor = FineTune(options).fit(build(), context(samples, steps=200))
        with torch.no_grad():
            found.append(float(predictor.task.loss(predictor.model(samples), samples)))
    assert found[1] < found[0] - 0.01


@pytest.mark.parametrize(
    ("transfer", "patience", "expected"),
    [(FineTune, 0, False), (FineTune, 2, True), (Scratch, 0, False), (Scratch, 2, False)],
)
def test_the_head_is_first_where_something_can_be_spoiled(
    build, context, transfer, patience, expected
):
    """By default: weights drawn anew hold nothing yet, and a short look stays short."""
    samples = made_samples(24)
    fit = context(samples, steps=4, validation=samples)
    fit = replace(fit, budget=replace(fit.budget, patience=patience))
    answers = []
    for first in (None, expected):
        torch.manual_seed(0)
        predictor = transfer(transfer.Options(head_first=first)).fit(build(), fit)
        answers.append(predictor(samples)["probability"])
    assert torch.equal(*answers)


def test_a_frozen_encoder_stays_in_evaluation_mode(build, context):
    """Statistics of its normalisations are no update of low rank: no training changes them."""
    samples = made_samples(24)
    fit = context(samples, steps=4, validation=samples)
    fit = replace(fit, budget=replace(fit.budget, patience=2))
    encoder = build(normalised=True)
    before = {name: value.clone() for name, value in encoder.named_buffers()}
    predictor = LORA.fit(encoder, fit)
    after = dict(predictor.model.encoder.named_buffers())
    assert before and all(torch.equal(value, after[name]) for name, value in before.items())


def test_an_area_is_one_at_best_and_an_error_has_no_ceiling():
    assert best_score(Finding(Finding.Options(rank="auroc"))) == 1.0
    assert best_score(Regression(Regression.Options())) == float("inf")


@pytest.mark.parametrize("rank", ["auroc", "tpr_at_fpr_1e-3"])
def test_a_metric_that_takes_more_scenes_does_not_score_a_training(build, context, rank):
    """Two dozen scenes fix no rate of a thousandth; the next metric that they suffice for does."""
    task = Finding(Finding.Options(rank=rank))
    samples = made_samples(24)
    fit = context(samples, task=task, validation=samples)
    converged = replace(fit, budget=replace(fit.budget, patience=2))
    predictor = FineTune(FineTune.Options()).fit(build(), converged)
    answers = {name: values.numpy() for name, values in predictor(samples).items()}
    wanted = next(one for one in task.metrics if one.name == "auroc")
    assert task.metrics[0].name == rank
    assert validation_score(predictor, converged) == wanted.compute(answers, samples)


def test_samples_without_the_target_do_not_score_a_training(build, context):
    """The score is that of the others alone, and training improves it."""
    samples = made_samples(24)
    radii = samples.targets["theta_E"].clone()
    radii[::3] = torch.nan
    samples = replace(samples, targets={**samples.targets, "theta_E": radii})
    task = Regression(Regression.Options(targets="theta_E"))
    fit = context(samples, task=task, validation=samples)
    converged = replace(fit, budget=replace(fit.budget, patience=2))
    predictor = FineTune(FineTune.Options()).fit(build(), converged)
    known = torch.isfinite(radii)
    answers = {name: values[known].numpy() for name, values in predictor(samples).items()}
    wanted = task.metrics[0].compute(answers, samples.take(known.nonzero()[:, 0]))
    assert validation_score(predictor, converged) == -wanted
    assert wanted < radii[known].abs().quantile(0.683)  # that of weights before the first step


def test_products_in_bfloat16_give_nearly_the_same_fit(build, context):
    """Weights and predictions stay in single precision."""
    samples, found = made_samples(24), []
    encoder = build()
    for precision in ("fp32", "bf16"):
        torch.manual_seed(0)  # of the head
        transfer = FineTune(FineTune.Options(precision=precision))
        predictor = transfer.fit(copy.deepcopy(encoder), context(samples, steps=3))
        assert {v.dtype for v in predictor.state().values() if v.is_floating_point()} == {
            torch.float32
        }
        found.append(predictor(made_samples(24, seed=3))["probability"])
    difference = float((found[0] - found[1]).abs().max())
    assert 0 < difference < 0.02


def test_low_rank_updates_begin_at_nothing(encoder):
    """The encoder's features are what they were, to the bit."""
    samples, encoder = made_samples(4), encoder.eval()
    with torch.no_grad():
        before = encode(encoder, samples).pooled
        for module, name in adapted_weights(encoder):
            update = LowRankUpdate(getattr(module, name), 2, 16.0)
            nn.utils.parametrize.register_parametrization(module, name, update)
        assert torch.equal(encode(encoder, samples).pooled, before)


def test_low_rank_updates_leave_the_base_and_are_small(context, encoder):
    """All of the old weights stay; what is kept is the updates and the head."""
    base = {name: value.clone() for name, value in encoder.state_dict().items()}
    original = copy.deepcopy(encoder)
    samples = made_samples(24)
    predictor = LORA.fit(encoder, context(samples, steps=3))
    state = dict(predictor.state())
    whole = predictor.model.state_dict()
    for name, value in base.items():
        head, _, last = name.rpartition(".")
        moved = f"encoder.{head}.parametrizations.{last}.original".replace("..", ".")
        assert torch.equal(whole.get(f"encoder.{name}", whole.get(moved)), value)
    assert not set(state) & {f"encoder.{name}" for name in base}
    assert not any(name.endswith("original") for name in state)
    assert any(value.abs().max() > 0 for name, value in state.items() if name.endswith(".up"))
    restored = LORA.restore(original, context(samples.first(0)), state)
    blind = replace(made_samples(5, seed=3), targets={})
    for before, again in zip(predictor(blind).values(), restored(blind).values(), strict=True):
        assert torch.equal(before, again)


def test_an_update_has_its_rank():
    """W changes by α/r B A, of rank r, for kernels as for matrices."""
    weight = torch.randn(8, 3, 5, 5)
    update = LowRankUpdate(weight, 2, 3.0)
    with torch.no_grad():
        update.up.normal_()
        change = (update(weight) - weight).flatten(1)
    assert torch.linalg.matrix_rank(change, rtol=1e-4) == 2
    assert torch.allclose(change, 3.0 * update.up @ update.down, atol=1e-5)


def test_the_scale_of_updates_is_that_of_the_method():
    """α/r, and α/√r where ranks are stabilised; the rank is at most that of the matrix."""
    weight = torch.randn(64, 32)
    for rank, used in ((4, 4), (16, 16), (100, 32)):
        plain = LowRankAdaptation(LowRankAdaptation.Options(rank=rank, alpha=8.0))
        stable = RankStabilisedAdaptation(RankStabilisedAdaptation.Options(rank=rank, alpha=8.0))
        assert plain.update(weight).scale == pytest.approx(8 / used)
        assert stable.update(weight).scale == pytest.approx(8 / used**0.5)
        assert plain.update(weight).up.shape == (64, used)


def test_a_decomposed_update_has_the_lengths_that_are_trained():
    """Directions change by the low-rank update, lengths by their own numbers alone."""
    weight = torch.randn(8, 3, 5, 5)
    update = DecomposedUpdate(weight, 2, 3.0)
    assert torch.equal(update(weight), weight)
    with torch.no_grad():
        update.up.normal_()
        lengths = update(weight).flatten(1).norm(dim=1)
        assert torch.allclose(lengths, weight.flatten(1).norm(dim=1), rtol=1e-5)
        update.length *= 2
        assert torch.allclose(update(weight).flatten(1).norm(dim=1), 2 * lengths, rtol=1e-5)
    update(weight).sum().backward()
    assert update.length.grad.abs().max() > 0
    assert update.up.grad.abs().max() > 0


@pytest.mark.parametrize("kind", [RankStabilisedAdaptation, WeightDecomposedAdaptation])
def test_other_low_rank_updates_are_kept_and_restored(context, build, kind):
    """The predictor that is restored from what was kept answers alike."""
    transfer, encoder = kind(kind.Options(rank=2)), build()
    original = copy.deepcopy(encoder)
    predictor = transfer.fit(encoder, context(made_samples(24), steps=3))
    samples = made_samples(24).first(0)
    restored = transfer.restore(original, context(samples), dict(predictor.state()))
    blind = replace(made_samples(5, seed=3), targets={})
    for before, again in zip(predictor(blind).values(), restored(blind).values(), strict=True):
        assert torch.equal(before, again)


@pytest.mark.parametrize("transfer", [LORA, Scratch(Scratch.Options())])
def test_an_encoder_without_weights_is_refused(catalogue, transfer):
    """Before anything runs."""
    with pytest.raises(IncompatibleError, match="has none"):
        transfer.check(catalogue.build("encoder", "spectrum", channels=1), "none")


def test_scratch_takes_no_pretraining(build):
    """It would throw it away; `none` is well."""
    transfer = Scratch(Scratch.Options())
    with pytest.raises(IncompatibleError, match="throw pretraining 'mae' away"):
        transfer.check(build(), "mae")
    transfer.check(build(), "none")


def test_a_redraw_keeps_distributions_and_forgets_the_rest(build):
    """Entries are the same values elsewhere; constants and statistics are as at the start."""
    encoder = build(normalised=True).train()
    fresh = copy.deepcopy(encoder)
    encoder(torch.randn(8, 1, 16, 16))
    redraw(encoder, torch.Generator().manual_seed(1))
    for (name, value), old in zip(encoder.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(value.flatten().sort().values, old.flatten().sort().values), name
    assert not torch.equal(encoder.layers_[0].weight, fresh.layers_[0].weight)
    assert torch.equal(encoder.layers_[1].running_mean, fresh.layers_[1].running_mean)


def test_scratch_follows_the_seed_of_the_fit(build, context):
    """The same seed, the same bits; another seed, other weights."""
    samples, states = made_samples(24), []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        predictor = Scratch(Scratch.Options()).fit(build(), context(samples, steps=2, seed=seed))
        states.append(predictor.state()["encoder.layers_.0.weight"].clone())
    assert torch.equal(states[0], states[1])
    assert not torch.allclose(states[0], states[2], atol=1e-2)
