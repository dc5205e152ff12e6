"""What one modality tells of the other: by hand on small values, and learnt where it can be."""

import math

import pytest
import torch

from dcrdf.config.detectors import ResilientOptions
from dcrdf.detectors.resilient.transfer import Joint, Pair, falling, transfer_of

CHANNELS = {"rgb": 2, "depth": 1}


def options(**values):
    return ResilientOptions(**{"transfer_hidden": 8, "transfer_steps": 150, **values})


def rows(count=1500, seed=0):
    """Geometry bends half of colour's six channels; the other half cannot be told from it."""
    rgb = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return {"rgb": rgb, "depth": rgb[:, :3].tanh().repeat(1, 2)}


def gelu(x):
    return x * 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def test_a_pair_by_hand():
    pair = Pair(CHANNELS, options(transfer_hidden=2))
    state = {
        "networks.depth.feature_mean": [1.0, 0.0],
        "networks.depth.feature_std": [2.0, 1.0],
        "networks.depth.hidden_weight": [[1.0, 0.0], [0.5, -1.0]],
        "networks.depth.hidden_bias": [0.0, 0.25],
        "networks.depth.output_weight": [[2.0, -3.0]],
        "depth_mean": [0.5],
    }
    given = {name: torch.tensor(x) for name, x in state.items()}
    pair.load_state_dict({**pair.state_dict(), **given})
    x, y = (3.0 - 1.0) / 2.0, 1.5
    expected = 0.5 + 2.0 * gelu(x) - 3.0 * gelu(0.5 * x - y + 0.25)
    found = pair.stand_in("depth", torch.tensor([[3.0, 1.5]]))
    assert found.item() == pytest.approx(expected, rel=1e-5)
    assert torch.equal(pair.stand_in("rgb", torch.tensor([[7.0]])), torch.zeros(1, 2))


def test_a_joint_network_by_hand():
    """An absent modality counts by its learned vector alone."""
    joint = Joint(CHANNELS, options(transfer="joint", transfer_hidden=1))
    with torch.no_grad():
        for parameter in joint.parameters():
            parameter.zero_()
        joint.layers["rgb"][0].weight.fill_(1.0)
        joint.layers["rgb"][1].weight[0] = torch.tensor([1.0, 3.0])
        joint.absent["rgb"][0] = 5.0
        joint.absent["depth"][0] = 4.0
        joint.hidden[0].weight[0, 0] = 1.0
        joint.heads["depth"].weight.fill_(2.0)
        joint.heads["rgb"].bias.fill_(0.25)
    told = joint({"rgb": torch.tensor([[2.0, 6.0]])})
    first = gelu(-1.0 + 3.0)  # the two values are normalised to -1 and 1
    assert told["depth"].item() == pytest.approx(2.0 * gelu((first + 4.0) / 2.0), rel=1e-4)
    assert told["rgb"].tolist() == [[0.25, 0.25]]
    alone = joint.stand_in("rgb", torch.tensor([[9.0]]))
    assert alone.tolist() == [[0.25, 0.25]]


@pytest.mark.parametrize("kind", ["pair", "joint"])
def test_what_can_be_told_is_learnt_and_nothing_else(kind, monkeypatch):
    from dcrdf.detectors.resilient import transfer

    monkeypatch.setattr(transfer, "SHARED", 16)
    monkeypatch.setattr(transfer, "LEARNING_RATE", 2e-2)
    monkeypatch.setattr(transfer, "STEP_PLACES", 256)
    six = {"rgb": 6, "depth": 6}
    learnt = transfer_of(six, options(transfer=kind, transfer_hidden=16))
    random_state = torch.get_rng_state()
    learnt.fit(rows(), torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), random_state)
    fresh = rows(seed=1)
    assert learnt.unexplained("depth", fresh) < 0.3
    assert 0.45 < learnt.unexplained("rgb", fresh) < 0.8  # half of it at best
    again = transfer_of(six, options(transfer=kind, transfer_hidden=16))
    again.fit(rows(), torch.Generator().manual_seed(3))
    state = learnt.state_dict()
    assert all(torch.equal(x, state[name]) for name, x in again.state_dict().items())
    assert not any(x.requires_grad for x in learnt.parameters())


def test_a_transfer_that_knows_means_alone_explains_nothing():
    pair, given = Pair({"rgb": 6, "depth": 6}, options()), rows()
    pair.get_buffer("depth_mean").copy_(given["depth"].mean(dim=0))
    assert pair.unexplained("depth", given) == pytest.approx(1.0)


def test_there_may_be_none():
    assert transfer_of(CHANNELS, options(transfer="none")) is None


def test_the_pairs_rate_falls_from_its_first_value_to_nothing():
    rates = [falling(done / 8) for done in range(9)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(6e-3)
    assert rates[4] == pytest.approx(3e-3)
    assert rates[8] == pytest.approx(0.0, abs=1e-12)
