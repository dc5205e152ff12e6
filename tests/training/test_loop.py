"""The loop converges, repeats itself bit for bit, resumes, and stops at NaN."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dcrdf.errors import UserError
from dcrdf.training import loop
from dcrdf.training.log import write_loss_table
from dcrdf.training.loop import train_in_epochs

POINTS = torch.linspace(-1, 1, 10)


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(1, 1)

    def loss(self, rows, _epoch):
        x = POINTS[torch.as_tensor(rows)].unsqueeze(1)
        return {"square": ((self.layer(x) - (2 * x + 0.5)) ** 2).mean()}


class Interrupted(Exception):
    """Stands for a kill."""


def test_losses_fall_and_are_logged(make_context):
    context = make_context(epochs=200, learning_rate=0.05)
    line = Line()
    train_in_epochs(line, line.loss, 10, context)
    assert [row["epoch"] for row in context.losses] == list(range(200))
    assert context.losses[-1]["total"] < 1e-3 < context.losses[0]["total"]
    assert line.layer.weight.item() == pytest.approx(2.0, abs=0.05)
    assert list((context.folder / "tensorboard").iterdir())


@pytest.mark.parametrize("stop_after", [1, 2, 3])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "exponential"])
def test_a_resumed_training_ends_with_the_same_bits(
    make_context, monkeypatch, stop_after, schedule
):
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    monkeypatch.setattr(loop, "SAVING_SHARE", -1.0)
    whole, broken = Line(), Line()
    undisturbed = make_context("whole", schedule=schedule)
    train_in_epochs(whole, whole.loss, 10, undisturbed)

    def kill(done, *_):
        # The state of an epoch is written after its announcement.
        if done == stop_after + 1:
            raise Interrupted

    first = make_context("broken", schedule=schedule, announce=kill)
    if stop_after < 3:
        with pytest.raises(Interrupted):
            train_in_epochs(broken, broken.loss, 10, first)
    resumed, seen = Line(), []
    second = make_context("broken", schedule=schedule, announce=lambda done, *_: seen.append(done))
    train_in_epochs(resumed, resumed.loss, 10, second)
    if stop_after < 3:
        assert seen[0] == stop_after + 1
    assert torch.equal(whole.layer.weight, resumed.layer.weight)
    assert torch.equal(whole.layer.bias, resumed.layer.bias)
    assert second.losses == undisturbed.losses


def test_a_state_of_other_options_is_not_used(make_context, monkeypatch):
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    monkeypatch.setattr(loop, "SAVING_SHARE", -1.0)
    line = Line()
    train_in_epochs(line, line.loss, 10, make_context(record="one"))
    seen = []
    again = make_context(record="other", announce=lambda done, *_: seen.append(done))
    train_in_epochs(Line(), line.loss, 10, again)
    assert seen == [1, 2, 3, 4]


def flipped(content):
    """One bit of a tensor is another; the file is as readable as before."""
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda _: b"\x00" * 64, lambda content: content[:-5], flipped]
)
def test_a_damaged_state_starts_anew(make_context, monkeypatch, damage):
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    monkeypatch.setattr(loop, "SAVING_SHARE", -1.0)
    first = Line()
    train_in_epochs(first, first.loss, 10, make_context())
    state = make_context().folder / "state.safetensors"
    state.write_bytes(damage(state.read_bytes()))
    second, seen = Line(), []
    again = make_context(announce=lambda done, *_: seen.append(done))
    train_in_epochs(second, second.loss, 10, again)
    assert seen == [1, 2, 3, 4]
    assert torch.equal(first.layer.weight, second.layer.weight)


def test_nan_loss_stops_with_its_name(make_context):
    line = Line()

    def step(rows, epoch):
        return {"good": line.loss(rows, epoch)["square"], "bad": line.layer.bias.sum() * np.nan}

    with pytest.raises(UserError, match=r"'bad' is nan in epoch 0.*learning_rate"):
        train_in_epochs(line, step, 10, make_context())


def test_the_steps_asked_for_are_made(make_context):
    line, sizes, said = Line(), [], []

    def step(rows, epoch):
        sizes.append(len(rows))
        return line.loss(rows % len(POINTS), epoch)

    context = replace(make_context(epochs=2, batch_size=16, min_steps=6), say=said.append)
    train_in_epochs(line, step, 16, context)
    assert sizes == [4] * 8
    assert said == ["batches of 4: 6 steps are asked for"]


def test_two_seeds_differ(make_context):
    one, other = Line(), Line()
    train_in_epochs(one, one.loss, 10, make_context("a", seed=1))
    train_in_epochs(other, other.loss, 10, make_context("b", seed=2))
    assert not torch.equal(one.layer.weight, other.layer.weight)


class TwoStages(nn.Module):
    """A line, and a second one that learns from it."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Line(), Line()

    def imitate(self, rows, _epoch):
        x = POINTS[torch.as_tensor(rows)].unsqueeze(1)
        target = self.first.layer(x).detach()
        return {"imitation": ((self.second.layer(x) + 1 - target) ** 2).mean()}

    def fit(self, context):
        first = context.stage("teacher", epochs=3)
        train_in_epochs(self.first, self.first.loss, 10, first)
        train_in_epochs(self.second, self.imitate, 10, context.stage("student"))

    def weights(self):
        return [x.clone() for x in self.state_dict().values()]


@pytest.mark.parametrize("killed_after", [1, 2, 3, 4, 5, 6])
def test_stages_have_states_of_their_own(make_context, monkeypatch, killed_after):
    """Killed in either stage or between them, the same bits; a finished stage is not repeated."""
    monkeypatch.setattr(loop, "STATE_INTERVAL_S", -1.0)
    monkeypatch.setattr(loop, "SAVING_SHARE", -1.0)
    whole = TwoStages()
    undisturbed = make_context("whole")
    whole.fit(undisturbed)
    done = []

    def kill(*_):
        done.append(1)
        if len(done) == killed_after + 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        TwoStages().fit(make_context("broken", announce=kill))
    resumed, seen = TwoStages(), []
    again = make_context("broken", announce=lambda *_: seen.append(1))
    resumed.fit(again)
    # What was announced and not saved is done again: one epoch.
    assert len(seen) == 7 - killed_after
    assert all(map(torch.equal, whole.weights(), resumed.weights()))
    assert again.losses == undisturbed.losses
    assert [row["stage"] for row in again.losses] == ["teacher"] * 3 + ["student"] * 4
    assert set(again.losses[0]) == {"stage", "epoch", "square", "total"}


def test_a_loss_table_of_stages_has_the_columns_of_both(make_context, tmp_path):
    context = make_context()
    TwoStages().fit(context)
    write_loss_table(context.losses, tmp_path / "losses.csv")
    head, *rows = (tmp_path / "losses.csv").read_text().splitlines()
    assert head == "stage,epoch,square,total,imitation"
    assert rows[0].startswith("teacher,0,")
    assert rows[0].endswith(",")
    assert ",," in rows[-1]
