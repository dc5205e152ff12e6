"""The small network that is fitted after the training."""

import torch
from torch.nn import functional

from dcrdf.networks.place_network import PlaceNetwork, unit_features

CHANNELS = 5


def fitted(seed=0, shift=0.0):
    """Learns two outputs from features; `shift` moves and stretches what it is shown."""
    generator = torch.Generator().manual_seed(1)
    features = torch.rand(2000, CHANNELS, generator=generator)
    target = torch.stack([features[:, 0] * features[:, 1], features[:, 2].sin()], dim=1)
    target = (target - target.mean(dim=0)) / target.std(dim=0)
    shown = features * (1.0 + shift) + shift
    network = PlaceNetwork(CHANNELS, 16, 2)

    def loss(outputs, rows):
        return functional.mse_loss(outputs, target[rows])

    network.fit(shown, loss, 300, torch.Generator().manual_seed(seed))
    return network, shown, target


def test_learns_what_is_not_linear():
    network, features, target = fitted()
    assert functional.mse_loss(network(features), target) < 0.05


def test_units_of_the_features_do_not_matter():
    plain, features, _ = fitted()
    moved, shown, _ = fitted(shift=40.0)
    torch.testing.assert_close(plain(features), moved(shown), rtol=0.0, atol=0.05)


def test_hidden_sums_of_parts_are_the_whole():
    network, features, _ = fitted()
    weight, bias = network.hidden()
    sums = bias + features[:, :2] @ weight[:, :2].T + features[:, 2:] @ weight[:, 2:].T
    torch.testing.assert_close(network.output(sums), network(features), rtol=1e-4, atol=1e-5)


def test_before_a_fit_it_says_nothing():
    assert not PlaceNetwork(CHANNELS, 16, 2)(torch.rand(7, CHANNELS)).any()


def test_same_seed_same_bits_and_no_trainable_parameters():
    one, other, different = (fitted(seed)[0] for seed in (0, 0, 1))
    assert torch.equal(one.hidden_weight, other.hidden_weight)
    assert not torch.equal(one.hidden_weight, different.hidden_weight)
    assert not list(one.parameters())
    assert not one.hidden_weight.requires_grad


def test_unit_features():
    features = torch.rand(2, CHANNELS, 3, 4)
    units = unit_features(features)
    assert units.shape == (2, 3, 4, CHANNELS)
    torch.testing.assert_close(units.norm(dim=-1), torch.ones(2, 3, 4))


def test_the_rate_is_asked_for_every_step_and_obeyed():
    asked = []

    def rate(done):
        asked.append(done)
        return 1e-2 if len(asked) == 1 else 0.0

    features = torch.rand(64, CHANNELS, generator=torch.Generator().manual_seed(2))
    network = PlaceNetwork(CHANNELS, 4, 1)
    network.fit(
        features,
        lambda outputs, rows: functional.mse_loss(outputs, features[rows, :1]),
        5,
        torch.Generator().manual_seed(0),
        rate,
    )
    assert asked == [0.0, 0.2, 0.4, 0.6, 0.8]
    # Adam's first step is as long as the rate wherever there is a gradient; no other follows.
    torch.testing.assert_close(network.output_weight.abs(), torch.full((1, 4), 1e-2))
