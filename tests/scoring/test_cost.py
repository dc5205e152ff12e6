"""Multiply-adds against a count by hand."""

from types import SimpleNamespace

import torch

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
