"""Multiply-adds against a count by hand."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dcrdf.scoring.cost import multiply_adds


class Convolving:
    """Stands in for a scorer: a convolution of 3 to 5 channels, 3 x 3, on 8 x 8 places."""

    layer = torch.nn.Conv2d(3, 5, 3, padding=1)

    @torch.no_grad()
    def raw_maps(self, scans):
        return self.layer(scans)


def test_of_one_scan_by_hand():
    assert multiply_adds(Convolving(), torch.zeros(7, 3, 8, 8)) == 3 * 5 * 9 * 64


def test_of_no_scan():
    assert multiply_adds(SimpleNamespace(), torch.zeros(0, 3, 8, 8)) == 0


class Mixed:
    """Layers, products of matrices and distances, as detectors have them."""

    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.ReLU(), torch.nn.ConvTranspose2d(4, 6, 2),
        torch.nn.Flatten(2), torch.nn.Linear(16, 7), torch.nn.LayerNorm(7),
    )  # fmt: skip

    def raw_maps(self, scans):
        with self.context():
            maps = self.layers(scans)
            alike = torch.einsum("bcn,bdn->bcd", maps, maps) @ maps
            return torch.cdist(alike, alike).softmax(dim=-1)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_as_torchs_own_counter(context):
    scorer, scans = Mixed(), torch.rand(2, 3, 8, 8)
    scorer.context = context
    with FlopCounterMode(display=False) as counter:
        scorer.raw_maps(scans[:1])
    assert multiply_adds(scorer, scans) == counter.get_total_flops() // 2 > 0


def test_torchs_compiler_is_not_loaded():
    """It would cost every scoring a second."""
    code = """
import sys, torch
from types import SimpleNamespace
from dcrdf.scoring.cost import multiply_adds
product = torch.no_grad()(lambda scans: scans @ scans)
counted = multiply_adds(SimpleNamespace(raw_maps=product), torch.ones(1, 2, 2))
print(counted, "torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["8", "False"]
