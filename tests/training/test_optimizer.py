"""What the optimiser is told: rule, moments, rates, parameters; and a training written out."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.detectors.dcrdf_net.network import DcrdfNetwork
from dcrdf.networks.teacher import TeacherShape
from dcrdf.training import loop
from dcrdf.training.loop import make_optimizer, train_in_epochs
from dcrdf.training.order import epoch_batches

CPU = torch.device("cpu")
X = np.linspace(-1.0, 1.0, 7)
Y = 2.0 * X**2 - 0.3


class Line(nn.Module):
    """w x + b with two losses; `frozen` takes no part."""

    def __init__(self):
        super().__init__()
        self.coefficients = nn.Parameter(torch.tensor([0.3, -0.2], dtype=torch.float64))
        self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)

    def step(self, rows, _epoch):
        x, y = torch.from_numpy(X[rows]), torch.from_numpy(Y[rows])
        off = self.coefficients[0] * x + self.coefficients[1] - y
        return {"square": (off**2).mean(), "size": 0.1 * self.coefficients.square().sum()}


@pytest.fixture
def told(monkeypatch):
    """The optimisers that trainings make."""
    made = []

    def make(*arguments):
        made.append(make_optimizer(*arguments))
        return made[-1]

    monkeypatch.setattr(loop, "make_optimizer", make)
    return made


@pytest.mark.parametrize("betas", [(0.5, 0.999), (0.9, 0.95)])
def test_adam_gets_its_betas_and_only_what_can_be_trained(make_context, told, betas):
    line = Line()
    train_in_epochs(line, line.step, 7, make_context(betas=betas, learning_rate=0.01))
    assert not line.training  # what is trained is ready to be used
    (optimizer,) = told
    assert type(optimizer) is torch.optim.Adam
    (group,) = optimizer.param_groups
    assert group["betas"] == betas
    assert group["weight_decay"] == 0
    assert group["eps"] == 1e-8
    assert not group["amsgrad"]
    assert [x is line.coefficients for x in group["params"]] == [True]


def cosine(epoch, epochs):
    return (1.0 + math.cos(math.pi * epoch / epochs)) / 2.0


def exponential(epoch, _):
    return 0.9**epoch


SHARES = {"constant": lambda *_: 1.0, "cosine": cosine, "exponential": exponential}


@pytest.mark.parametrize(("schedule", "share"), SHARES.items())
def test_the_rate_of_every_epoch(make_context, told, schedule, share):
    line, rates = Line(), {}

    def step(rows, epoch):
        rates.setdefault(epoch, set()).add(told[0].param_groups[0]["lr"])
        return line.step(rows, epoch)

    context = make_context(epochs=6, learning_rate=0.02, schedule=schedule, decay=0.9)
    train_in_epochs(line, step, 7, context)
    assert list(rates) == list(range(6))
    for epoch, of_epoch in rates.items():
        assert len(of_epoch) == 1
        assert of_epoch.pop() == pytest.approx(0.02 * share(epoch, 6), rel=1e-12)


def test_a_loss_of_some_batches_has_its_own_mean(make_context):
    """And none in an epoch without it."""

    def step(rows, epoch):
        line.step(rows, epoch)
        losses = {"always": line.coefficients.sum() * 0.0 + float(rows.sum())}
        return losses | ({"at_times": losses["always"] * 2.0} if 0 in rows and epoch == 1 else {})

    line, context = Line(), make_context(epochs=2, batch_size=4)
    train_in_epochs(line, step, 7, context)
    first, second = context.losses
    assert first == {"epoch": 0, "always": 10.5, "total": 10.5}
    with_zero = next(rows for rows in epoch_batches(7, 4, 3, 1) if 0 in rows).sum()
    assert second["at_times"] == 2.0 * with_zero
    assert second["total"] == 10.5 + with_zero


def adam_by_hand(batches, rates, betas):
    """Kingma and Ba's algorithm 1 on the line's losses; the mean losses of each epoch."""
    w = np.array([0.3, -0.2])
    first, second, steps, logged = np.zeros(2), np.zeros(2), 0, []
    for epoch, rate in enumerate(rates):
        losses = []
        for rows in batches(epoch):
            off = w[0] * X[rows] + w[1] - Y[rows]
            losses.append(((off**2).mean(), 0.1 * (w**2).sum()))
            gradient = np.array([(2 * off * X[rows]).mean(), (2 * off).mean()]) + 0.2 * w
            steps += 1
            first = betas[0] * first + (1 - betas[0]) * gradient
            second = betas[1] * second + (1 - betas[1]) * gradient**2
            unbiased = first / (1 - betas[0] ** steps), second / (1 - betas[1] ** steps)
            w = w - rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
        logged.append(np.mean(losses, axis=0))
    return w, logged


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_training_written_out(make_context, schedule):
    line = Line()
    context = make_context(epochs=5, batch_size=3, learning_rate=0.1, schedule=schedule, seed=4)
    train_in_epochs(line, line.step, 7, context)
    rates = [0.1 * (cosine(epoch, 5) if schedule == "cosine" else 1.0) for epoch in range(5)]
    expected, logged = adam_by_hand(
        lambda epoch: epoch_batches(7, 3, 4, epoch), rates, (0.5, 0.999)
    )
    np.testing.assert_allclose(line.coefficients.detach().numpy(), expected, rtol=1e-9)
    for row, (square, size) in zip(context.losses, logged, strict=True):
        assert row["square"] == pytest.approx(square, rel=1e-5)
        assert row["size"] == pytest.approx(size, rel=1e-5)
        assert row["total"] == pytest.approx(square + size, rel=1e-5)


def test_every_part_of_the_network_is_trained(make_context):
    options = DcrdfNetOptions(calibrate=True)
    network = DcrdfNetwork(TeacherShape((4, 8, 12), "basic", (1, 1, 1), signed=True), options)
    optimizer = make_optimizer(network, make_context().options, CPU)
    trained = {id(x) for group in optimizer.param_groups for x in group["params"]}
    names = [name for name, _ in network.named_parameters()]
    assert trained == {id(x) for x in network.parameters()}
    for part in ("refinement", "student.bottleneck", "student.decoder", "calibration"):
        for branch in ("rgb", "depth"):
            assert any(name.startswith(f"{branch}.{part}") for name in names)
    assert any(name.startswith("gate.excite") for name in names)
    # What is fitted after the training must not move during it.
    assert not any("normality" in name or "crossmodal" in name for name in names)
