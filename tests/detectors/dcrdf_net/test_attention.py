"""Linear attention against a literal loop over queries and keys."""

import numpy as np
import torch

from dcrdf.detectors.dcrdf_net.attention import HEADS, LinearAttention


def elu_plus_one(x):
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


def test_attention_by_a_literal_loop():
    torch.manual_seed(0)
    layer, x = LinearAttention(8), torch.randn(1, 8, 3, 2)
    with torch.no_grad():
        query, key, value = (part(x)[0].flatten(1).double().numpy()
                             for part in (layer.query, layer.key, layer.value))  # fmt: skip
        per_head, out_per_head = len(query) // HEADS, len(value) // HEADS
        attended = np.zeros_like(value)
        for head in range(HEADS):
            q = elu_plus_one(query[head * per_head : (head + 1) * per_head])
            k = elu_plus_one(key[head * per_head : (head + 1) * per_head])
            rows = slice(head * out_per_head, (head + 1) * out_per_head)
            for place in range(q.shape[1]):
                weights = np.array([q[:, place] @ k[:, other] for other in range(k.shape[1])])
                attended[rows, place] = value[rows] @ weights / weights.sum()
        together = torch.from_numpy(attended).float().view(1, 8, 3, 2)
        expected = x + layer.project(together + layer.position(layer.value(x)))
        torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_queries_that_weigh_nothing_give_numbers():
    """elu + 1 of values below about -17 is exactly zero in float32."""
    layer = LinearAttention(8)
    with torch.no_grad():
        layer.query.weight.zero_()
        layer.query.bias.fill_(-200.0)
        assert torch.isfinite(layer(torch.randn(1, 8, 4, 4))).all()
