"""Small flows with weights that are far from their start, and yet mild."""

import torch

from dcrdf.detectors.flow_distillation.flow import ConditionalFlow
from dcrdf.detectors.flow_distillation.positional import sine_encoding


def flow_of(channels, condition=0, gamma=0.5, spread=None, **options):
    """A flow in float64; gammas as given, weights as torch draws them or normal with `spread`."""
    torch.manual_seed(0)
    flow = ConditionalFlow(channels, condition, **options).double()
    with torch.no_grad():
        for name, x in flow.named_parameters():
            if name.endswith("gamma"):
                x.fill_(gamma)
            elif spread is not None:
                x.normal_(0.0, spread)
    return flow


def normal(*shape, seed=0):
    """Standard normal numbers in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def encoding(count, side, channels):
    """A batch of encodings, or None without channels."""
    return sine_encoding(side, side, channels).expand(count, -1, -1, -1) if channels else None
