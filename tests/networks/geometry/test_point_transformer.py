"""The encoder against loops in float64 at a tiny size, and the published file's names."""

import math

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry import point_transformer
from dcrdf.networks.geometry.point_transformer import PointTransformer, encoder_weights

WIDTH, HEADS, BLOCKS = 6, 2, 3


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = PointTransformer(WIDTH, HEADS, (1, BLOCKS)).eval()
    for name, values in made.state_dict().items():
        if name.endswith("running_var"):
            values.uniform_(0.5, 2.0)
        elif values.is_floating_point():
            values.normal_(std=0.3)
    return made.double().requires_grad_(False)


def linear(x, weights, name):
    matrix = weights[f"{name}.weight"]
    return x @ matrix.reshape(len(matrix), -1).T + weights.get(f"{name}.bias", 0.0)


def batch_norm(x, weights, name):
    centred = x - weights[f"{name}.running_mean"]
    scaled = centred / np.sqrt(weights[f"{name}.running_var"] + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def norm(x, weights, name):
    mean, spread = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    scaled = (x - mean) / np.sqrt(spread + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(x):
    return np.vectorize(lambda v: 0.5 * v * (1.0 + math.erf(v / math.sqrt(2.0))))(x)


def slow_group(points, weights):
    """One group (K, 3): every point, joined with the group's maximum, and the maximum again."""
    hidden = np.maximum(batch_norm(linear(points, weights, "encoder.first_conv.0"), weights,
                                   "encoder.first_conv.1"), 0.0)  # fmt: skip
    each = linear(hidden, weights, "encoder.first_conv.3")
    joined = np.array([np.concatenate([each.max(axis=0), row]) for row in each])
    hidden = np.maximum(batch_norm(linear(joined, weights, "encoder.second_conv.0"), weights,
                                   "encoder.second_conv.1"), 0.0)  # fmt: skip
    return linear(hidden, weights, "encoder.second_conv.3").max(axis=0)


def slow_block(x, weights, name):
    depth = WIDTH // HEADS
    mixed = linear(norm(x, weights, f"{name}.norm1"), weights, f"{name}.attn.qkv")
    query, key, value = np.split(mixed, 3, axis=1)
    attended = np.zeros_like(x)
    for head in range(HEADS):
        own = slice(head * depth, (head + 1) * depth)
        for i in range(len(x)):
            likes = [math.exp(query[i, own] @ other / math.sqrt(depth)) for other in key[:, own]]
            for like, row in zip(likes, value[:, own], strict=True):
                attended[i, own] += like / sum(likes) * row
    x = x + linear(attended, weights, f"{name}.attn.proj")
    hidden = gelu(linear(norm(x, weights, f"{name}.norm2"), weights, f"{name}.mlp.fc1"))
    return x + linear(hidden, weights, f"{name}.mlp.fc2")


def slow(groups, centres, weights):
    x = np.array([slow_group(group, weights) for group in groups])
    hidden = gelu(linear(centres, weights, "pos_embed.0"))
    places = linear(hidden, weights, "pos_embed.2")
    found = []
    for number in range(BLOCKS):
        x = slow_block(x + places, weights, f"blocks.blocks.{number}")
        if number in (0, BLOCKS - 1):
            found.append(norm(x, weights, "norm"))
    return np.concatenate(found, axis=1)


def test_against_loops(network, monkeypatch):
    monkeypatch.setattr(point_transformer, "GROUPS_AT_ONCE", 3)
    rng = np.random.default_rng(0)
    groups, centres = rng.normal(size=(2, 4, 5, 3)), rng.normal(size=(2, 4, 3))
    found = network(torch.from_numpy(groups), torch.from_numpy(centres))
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    assert found.shape == (2, 4, 2 * WIDTH)
    for i in range(2):
        np.testing.assert_allclose(found[i], slow(groups[i], centres[i], weights), atol=1e-10)


def test_names_and_shapes_are_the_published_ones():
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in PointTransformer().state_dict().items()}
    expected = {
        "encoder.first_conv.0.weight": (128, 3, 1),
        "encoder.first_conv.1.running_mean": (128,),
        "encoder.first_conv.3.weight": (256, 128, 1),
        "encoder.second_conv.0.weight": (512, 512, 1),
        "encoder.second_conv.1.running_var": (512,),
        "encoder.second_conv.3.weight": (384, 512, 1),
        "pos_embed.0.weight": (128, 3),
        "pos_embed.2.weight": (384, 128),
        "blocks.blocks.0.norm1.weight": (384,),
        "blocks.blocks.11.attn.qkv.weight": (1152, 384),
        "blocks.blocks.11.attn.proj.bias": (384,),
        "blocks.blocks.11.norm2.bias": (384,),
        "blocks.blocks.11.mlp.fc1.weight": (1536, 384),
        "blocks.blocks.11.mlp.fc2.weight": (384, 1536),
        "norm.weight": (384,),
    }
    assert {name: shapes.get(name) for name in expected} == expected
    assert "blocks.blocks.0.attn.qkv.bias" not in shapes
    assert "blocks.blocks.12.norm1.weight" not in shapes
    assert len(shapes) == 18 + 4 + 12 * 11 + 2


def test_a_published_files_entries_load(network):
    entries = {f"module.MAE_encoder.{k}": v for k, v in network.state_dict().items()}
    entries |= {
        "module.mask_token": torch.zeros(1),
        "module.MAE_decoder.norm.weight": torch.ones(1),
    }
    other = PointTransformer(WIDTH, HEADS, (1, BLOCKS)).double().eval()
    other.load_state_dict(encoder_weights(entries))
    groups, centres = torch.ones(1, 2, 3, 3).double(), torch.ones(1, 2, 3).double()
    assert torch.equal(other(groups, centres), network(groups, centres))


def test_the_order_of_a_groups_points_does_not_matter(network):
    groups = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 5, 3)))
    centres = torch.zeros(1, 3, 3).double()
    expected = network(groups, centres)
    torch.testing.assert_close(network(groups.flip(2), centres), expected)
