"""CM-SEGF written out by hand: which modality's gate weighs what, and what the weight s weighs."""

import numpy as np
import pytest
import torch

from dcrdf.detectors.dcrdf_net.gate import CrossModalGate

CHANNELS = (4, 3, 2)
SIDES = (8, 4, 2)
SIZE = (16, 16)
TOTAL = sum(CHANNELS)


def features(seed, count=2):
    generator = torch.Generator().manual_seed(seed)
    pairs = zip(CHANNELS, SIDES, strict=True)
    return [torch.randn(count, c, side, side, generator=generator) for c, side in pairs]


def probabilities(seed, count=2):
    return torch.rand(count, *SIZE, generator=torch.Generator().manual_seed(seed))


def gate_with(evidence_maps, seed=0):
    torch.manual_seed(seed)
    gate = CrossModalGate(TOTAL, 5, evidence_maps)
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.normal_(0.0, 0.7)
    return gate


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def weights_by_hand(gate, rgb, depth, p_rgb, p_depth, bilinear):
    """s of each image and pixel from the description of the gate (docs/method.md, section 5)."""
    values = {name: x.detach().double().numpy() for name, x in gate.state_dict().items()}
    result = []
    for image in range(len(p_rgb)):
        stacks = [
            np.concatenate(
                [
                    np.stack([bilinear(channel, SIDES[:1] * 2) for channel in stage[image]])
                    for stage in (x.double().numpy() for x in modality)
                ]
            )
            for modality in (rgb, depth)
        ]
        z = [np.r_[stack.mean(axis=(1, 2)), stack.max(axis=(1, 2))] for stack in stacks]

        def excite(own, other, values=values):
            hidden = values["excite.0.weight"] @ np.r_[own, other] + values["excite.0.bias"]
            hidden = np.maximum(hidden, 0.0)
            return sigmoid(values["excite.2.weight"] @ hidden + values["excite.2.bias"])

        gated_rgb = excite(z[0], z[1])[:, None, None] * stacks[0]
        gated_depth = excite(z[1], z[0])[:, None, None] * stacks[1]
        evidence = [
            np.abs(x).sum(axis=0) / TOTAL for x in (gated_rgb, gated_depth, gated_rgb - gated_depth)
        ]
        if gate.evidence_maps:
            maps = [p[image].double().numpy() for p in (p_rgb, p_depth)]
            maps.append(np.abs(maps[0] - maps[1]))
            evidence += [x.reshape(8, 2, 8, 2).mean(axis=(1, 3)) for x in maps]
        total = np.full((8, 8), values["pointwise.bias"][0])
        for channel, x in enumerate(evidence):
            padded = np.pad(x, 1)
            smoothed = np.full((8, 8), values["depthwise.bias"][channel])
            for row in range(3):
                for column in range(3):
                    kernel = values["depthwise.weight"][channel, 0, row, column]
                    smoothed += kernel * padded[row : row + 8, column : column + 8]
            total += values["pointwise.weight"][0, channel, 0, 0] * smoothed
        result.append(bilinear(sigmoid(total), SIZE))
    return np.stack(result)


@pytest.mark.parametrize("evidence_maps", [False, True])
def test_the_weight_by_hand(bilinear, evidence_maps):
    gate = gate_with(evidence_maps)
    given = features(1), features(2), probabilities(3), probabilities(4)
    expected = weights_by_hand(gate, *given, bilinear)
    assert expected.std() > 0.03  # no saturated gate that would hide what it is made of
    np.testing.assert_allclose(gate(*given).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("evidence_maps", [False, True])
def test_swapped_modalities_swap_their_weights(evidence_maps):
    """With an output that only compares the two, s of one is 1 - s of the other."""
    gate = gate_with(evidence_maps)
    with torch.no_grad():
        gate.depthwise.weight.copy_(gate.depthwise.weight[:1].expand_as(gate.depthwise.weight))
        gate.depthwise.bias.zero_()
        gate.pointwise.bias.zero_()
        compares = [1.0, -1.0, 0.0, 0.5, -0.5, 0.0] if evidence_maps else [1.0, -1.0, 0.0]
        gate.pointwise.weight.copy_(torch.tensor(compares).view(1, -1, 1, 1))
    rgb, depth, p_rgb, p_depth = features(1), features(2), probabilities(3), probabilities(4)
    one, other = gate(rgb, depth, p_rgb, p_depth), gate(depth, rgb, p_depth, p_rgb)
    torch.testing.assert_close(one, 1.0 - other, rtol=1e-5, atol=1e-6)
    assert (one - other).abs().max() > 0.05


def test_the_weights_gradient_reaches_everything():
    """Both students and every layer of the gate learn from a fused map."""
    gate = gate_with(evidence_maps=False)
    rgb, depth = ([x.requires_grad_() for x in features(seed)] for seed in (1, 2))
    gate(rgb, depth, probabilities(3), probabilities(4)).sum().backward()
    for given in (*rgb, *depth, *gate.parameters()):
        assert given.grad is not None
        assert given.grad.abs().max() > 0
