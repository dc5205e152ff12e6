"""Both stages of a training against the oracles: losses, optimiser, what depends on what."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from . import binding, oracle, values
from .fitting import fit, make_condition, make_scans, make_shown, watched_optimisers

VARIANTS = [
    {},
    {"mask": "all"},
    {"scales": (1,)},
    {"scales": (2, 4), "mask_rule": "half"},
    {"depth_centre": "none"},
]
TWO = {"epochs": 2, "batch_size": 3}
"""Of two steps each."""


def bits(module):
    """Copies of all tensors by name."""
    return {name: x.clone() for name, x in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(x, other[k]) for k, x in one.items())


# Losses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_first_losses_are_those_of_the_loops(tmp_path, options):
    """In an epoch of one batch: the flow's by its first weights, the student's by the flow's last
    ones and its own first ones, with the batch's own statistics."""
    detector, scans = binding.scrambled(binding.detector_of(**options)), make_scans()
    flows = {x: binding.blocks_of(binding.flow_in(detector, x)) for x in binding.STREAMS}
    students = {x: binding.student_weights(binding.student_in(detector, x)) for x in flows}
    shown, condition = make_shown(detector, scans, **options), make_condition(detector)
    logged = fit(detector, scans, tmp_path)
    ((flow_row,), (student_row,)) = logged["flow"], logged["student"]
    for name, images in shown.items():
        channels = len(images[0][0])
        passed = [(*oracle.flow(flows[name], x, condition), mask) for x, mask in images]
        expected = values.flow_loss(passed) / channels
        assert flow_row[f"{name}_flow"] == pytest.approx(expected, rel=1e-4, abs=1e-5), name

        blocks = binding.blocks_of(binding.flow_in(detector, name))
        taught = [oracle.flow(blocks, x, condition)[0] for x, _ in images]
        learnt = oracle.student(students[name], [x for x, _ in images], condition, True)
        compared = list(zip(taught, learnt, [mask for _, mask in images], strict=True))
        scales, rule = options.get("scales", (1, 2, 4)), options.get("mask_rule", "any")
        expected = values.student_loss(compared, scales, rule)
        assert student_row[f"{name}_student"] == pytest.approx(expected, rel=1e-4), name


def test_the_log_is_of_one_loss_for_each_stream(tmp_path):
    logged = fit(binding.detector_of(), make_scans(), tmp_path, epochs=2)
    for stage, rows in logged.items():
        assert len(rows) == 2
        for row in rows:
            named = {name for name in row if name.endswith(("_flow", "_student"))}
            assert named == {f"{name}_{stage}" for name in binding.STREAMS}


# Optimiser ----------------------------------------------------------------------------------------


class Adam:
    """Kingma and Ba's algorithm 1 with decay added to the gradient, for one array."""

    def __init__(self, start, rate, betas, decay):
        self.value, self.rate, self.betas, self.decay = start, rate, betas, decay
        self.m = self.v = np.zeros_like(start)
        self.t = 0

    def step(self, gradient):
        first, second = self.betas
        gradient = gradient + self.decay * self.value
        self.t += 1
        self.m = first * self.m + (1 - first) * gradient
        self.v = second * self.v + (1 - second) * gradient**2
        m, v = self.m / (1 - first**self.t), self.v / (1 - second**self.t)
        self.value = self.value - self.rate * m / (np.sqrt(v) + 1e-8)


METHODS = (2e-4, (0.9, 0.999), 1e-5)


@pytest.mark.parametrize(("rate", "betas", "decay"), [METHODS, (1e-3, (0.5, 0.9), 0.3)])
def test_each_stage_is_adam_by_hand_at_one_rate(tmp_path, monkeypatch, rate, betas, decay):
    options = {"learning_rate": rate, "betas": betas, "weight_decay": decay}
    detector = binding.detector_of(**({} if (rate, betas, decay) == METHODS else options))
    seen = watched_optimisers(monkeypatch)
    fit(binding.scrambled(detector), make_scans(), tmp_path, **TWO)
    flows, students = seen.values()
    for number, (one, part) in enumerate([(flows, "flow_in"), (students, "student_in")]):
        expected = [
            x
            for name in binding.STREAMS
            for x in getattr(binding, part)(detector, name).parameters()
        ]
        assert {id(x) for x in one.parameters} == {id(x) for x in expected}, number
        assert [step[0] for step in one.steps] == [rate] * 4
        for at, parameter in enumerate(one.parameters):
            adam = Adam(one.start[at].double().numpy(), rate, betas, decay)
            for _, gradients in one.steps:
                adam.step(gradients[at].double().numpy())
            found = parameter.detach().numpy()
            np.testing.assert_allclose(found, adam.value, rtol=1e-4, atol=1e-6)


# What depends on what -----------------------------------------------------------------------------


def stream_bits(detector, name):
    """Of flow and student."""
    parts = (binding.flow_in(detector, name), binding.student_in(detector, name))
    return [bits(part) for part in parts]


def test_streams_are_trained_as_if_each_were_alone(tmp_path):
    """Other weights of one change no bit of the others."""
    one, other = (binding.scrambled(binding.detector_of()) for _ in range(2))
    with torch.no_grad():
        for part in (binding.flow_in(other, "depth"), binding.student_in(other, "depth")):
            for x in part.parameters():
                x.add_(0.05)
    for folder, detector in (("one", one), ("other", other)):
        fit(detector, make_scans(), tmp_path / folder, **TWO)
    for name in ("joint", "rgb"):
        assert all(map(same, stream_bits(one, name), stream_bits(other, name)))
    assert not any(map(same, stream_bits(one, "depth"), stream_bits(other, "depth")))


def test_the_height_is_nothing_to_colour_nor_colour_to_the_height(tmp_path):
    trained = {}
    for name, scans in {
        "as it is": make_scans(),
        "other height": make_scans(height_seed=7),
        "other colour": make_scans(seed=7),
    }.items():
        trained[name] = binding.detector_of()
        fit(trained[name], scans, tmp_path / name, **TWO)
    for name, changed, left in (
        ("rgb", "other colour", "other height"),
        ("depth", "other height", "other colour"),
    ):
        as_it_is = stream_bits(trained["as it is"], name)
        assert all(map(same, as_it_is, stream_bits(trained[left], name)))
        assert not any(map(same, as_it_is, stream_bits(trained[changed], name)))
        joint = stream_bits(trained["as it is"], "joint")
        assert not any(map(same, joint, stream_bits(trained[left], "joint")))


def test_the_part_is_nothing_to_colour(tmp_path):
    scans, trained = make_scans(), []
    for name, outline in (("one", scans.outline), ("other", scans.outline[::-1].copy())):
        detector = binding.detector_of()
        fit(detector, replace(scans, outline=outline), tmp_path / name, **TWO)
        trained.append(stream_bits(detector, "rgb"))
    assert all(map(same, *trained))
