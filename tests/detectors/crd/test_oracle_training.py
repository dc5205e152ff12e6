"""Start, optimiser, schedule, and what a branch's weights depend on."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.networks.teacher import TeacherShape
from dcrdf.training import loop

from . import oracle, values
from .conftest import make_scans

TRAIN = {"epochs": 3, "batch_size": 3, "learning_rate": 0.005}
EPOCHS_STEPS = 2  # of four scans
PLAIN = {"filter": "none", "amplifier": "none"}


def weights_of(module):
    """Copies of all tensors by name."""
    return {name: x.clone() for name, x in module.state_dict().items()}


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(x, other[k]) for k, x in one.items())


# Start --------------------------------------------------------------------------------------------


def test_the_mix_starts_at_one_half(crd):
    torch.manual_seed(0)
    network = crd.Network(TeacherShape((4, 8, 16), "basic", (1, 1, 1), False), crd.Options())
    for branch in (network.rgb, network.depth):
        assert torch.equal(oracle.parts_of(branch)[oracle.MIXING], torch.ones(3, 2).double())


def test_weights_start_as_in_the_published_code(crd):
    """Convolutions: normal, variance 2 / (k^2 outputs). Transposed ones: torch's own, uniform with
    variance 1 / (3 k^2 outputs), for torch takes their outputs for inputs. Norms: 1 and 0."""
    torch.manual_seed(0)
    network = crd.Network(TeacherShape((64, 128, 256), "basic", (1, 1, 1), False), crd.Options())
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert torch.equal(module.weight, torch.ones_like(module.weight)), name
            assert torch.equal(module.bias, torch.zeros_like(module.bias)), name
        elif isinstance(module, torch.nn.ConvTranspose2d):
            bound = math.sqrt(1.0 / (4 * module.out_channels))
            assert module.weight.abs().max() <= bound + 1e-7, name
            assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05), name
        elif isinstance(module, torch.nn.Conv2d):
            spread = math.sqrt(2.0 / (module.kernel_size[0] ** 2 * module.out_channels))
            assert module.weight.std().item() == pytest.approx(spread, rel=0.05), name
            assert module.weight.abs().max() > 3 * spread, name  # not uniform


# Schedule and optimiser ---------------------------------------------------------------------------


def test_the_schedule_by_hand():
    assert values.learning_rate(0) == 0.005
    assert values.learning_rate(2) == pytest.approx(0.0045125)
    assert values.learning_rate(90) < 0.01 * 0.005 < values.learning_rate(89)


@pytest.fixture
def steps(monkeypatch):
    """Of every step of a training: rate, and gradients by the name of the parameter; first the
    weights that it starts from."""
    seen = []

    def build(module, options, device):
        class Watched(torch.optim.Adam):
            def step(self, closure=None):
                if not seen:
                    seen.append({name: x.detach().clone() for name, x in module.named_parameters()})
                gradients = {
                    name: x.grad.clone()
                    for name, x in module.named_parameters()
                    if x.grad is not None
                }
                seen.append((self.param_groups[0]["lr"], gradients))
                return super().step(closure)

        return Watched(module.parameters(), lr=options.learning_rate, betas=options.betas)

    monkeypatch.setattr(loop, "make_optimizer", build)
    return seen


def test_training_is_adam_by_hand_with_a_rate_that_falls_every_epoch(crd, make_fit, steps):
    detector = crd.detector("signed")
    make_fit(detector, make_scans(), **TRAIN)
    start, *made = steps
    assert len(made) == EPOCHS_STEPS * TRAIN["epochs"]
    rates = [values.learning_rate(number // EPOCHS_STEPS) for number in range(len(made))]
    assert [rate for rate, _ in made] == pytest.approx(rates, rel=1e-12)
    for name, x in detector.network.named_parameters():
        adam = values.Adam(start[name].numpy())
        for rate, (_, gradients) in zip(rates, made, strict=True):
            if name in gradients:
                adam.step(gradients[name].double().numpy(), rate)
        np.testing.assert_allclose(x.detach().numpy(), adam.value, rtol=1e-4, atol=1e-5)


class OneForEachBranch:
    """Two Adams that share nothing, as the published code has them."""

    def __init__(self, module, options):
        self.each = [
            torch.optim.Adam(branch.parameters(), lr=options.learning_rate, betas=options.betas)
            for branch in (module.rgb, module.depth)
        ]
        self.param_groups = [group for one in self.each for group in one.param_groups]

    def zero_grad(self, set_to_none=True):
        for one in self.each:
            one.zero_grad(set_to_none=set_to_none)

    def step(self):
        for one in self.each:
            one.step()


def test_one_adam_is_two(crd, make_fit, monkeypatch):
    one, two = (crd.detector("resnet") for _ in range(2))
    make_fit(one, make_scans(), "one", **TRAIN)
    monkeypatch.setattr(
        loop, "make_optimizer", lambda module, options, device: OneForEachBranch(module, options)
    )
    make_fit(two, make_scans(), "two", **TRAIN)
    assert same_bits(weights_of(one.network), weights_of(two.network))


# What weights depend on ---------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"filter": "none"}, PLAIN], ids=str)
def test_a_branch_does_not_depend_on_the_other_student(crd, make_fit, changes):
    one = crd.detector("signed", **changes)
    other = copy.deepcopy(one)
    with torch.no_grad():
        for x in other.network.depth.parameters():
            x.add_(0.1)
    for name, detector in (("one", one), ("other", other)):
        make_fit(detector, make_scans(), name, **TRAIN)
    assert same_bits(weights_of(one.network.rgb), weights_of(other.network.rgb))
    assert not same_bits(weights_of(one.network.depth), weights_of(other.network.depth))


@pytest.mark.parametrize("changes", [{}, PLAIN], ids=str)
def test_only_assistants_read_the_other_modality(crd, make_fit, changes):
    scans = make_scans()
    weights = []
    for name, height in (("one", scans.height), ("other", make_scans(1).height)):
        detector = crd.detector("signed", **changes)
        make_fit(detector, replace(scans, height=height), name, **TRAIN)
        weights.append(weights_of(detector.network.rgb))
    assert same_bits(*weights) == (changes == PLAIN)


# Going on -----------------------------------------------------------------------------------------


class Interrupted(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("changes", [{}, {"modality_dropout": 0.5}], ids=str)
def test_a_resumed_training_ends_with_the_same_bits(crd, make_fit, monkeypatch, changes):
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    monkeypatch.setattr(loop, "SAVING_SHARE", -1.0)
    train = TRAIN | {"epochs": 4}

    def kill(done, *_):
        if done == 3:  # two epochs are saved
            raise Interrupted

    whole = crd.detector("signed", **changes)
    undisturbed = make_fit(whole, make_scans(), "whole", **train)
    with pytest.raises(Interrupted):
        make_fit(crd.detector("signed", **changes), make_scans(), "broken", announce=kill, **train)
    resumed, seen = crd.detector("signed", seed=9, **changes), []
    context = make_fit(
        resumed, make_scans(), "broken", announce=lambda done, *_: seen.append(done), **train
    )
    assert seen == [3, 4]
    assert same_bits(weights_of(whole.network), weights_of(resumed.network))
    assert context.losses == undisturbed.losses


def test_batch_norms_learn_in_training_alone(crd, make_fit):
    detector = crd.detector("signed")
    make_fit(detector, make_scans(), **TRAIN)
    norms = [x for x in detector.network.modules() if isinstance(x, torch.nn.BatchNorm2d)]
    assert {int(x.num_batches_tracked) for x in norms} == {EPOCHS_STEPS * TRAIN["epochs"]}
    assert not any(x.training for x in detector.network.modules())
