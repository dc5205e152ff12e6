"""The student: its size, its blocks, its folding."""

import copy

import torch
from torch.nn import functional

from dcrdf.detectors.flow_distillation.student import ResidualBlock, ResidualStudent
from dcrdf.networks.folding import fold_batch_norms

from .small import encoding, normal


def test_the_papers_size():
    with torch.device("meta"):
        student = ResidualStudent(368, width=1024)
    assert sum(x.numel() for x in student.parameters()) == 82_601_328


def test_the_activation_comes_before_the_sum():
    torch.manual_seed(0)
    block = ResidualBlock(3).double().eval()
    x = normal(1, 3, 5, 5)
    inner = functional.leaky_relu(block.conv1(x) / (1 + 1e-5) ** 0.5, 0.01)
    inner = functional.leaky_relu(block.conv2(inner) / (1 + 1e-5) ** 0.5, 0.01)
    torch.testing.assert_close(block(x), x + inner)
    assert (block(x) - x).min() < 0  # not a ReLU


def test_folded_it_is_the_same():
    torch.manual_seed(0)
    student = ResidualStudent(5, 4, width=8, blocks=2).double()
    where = encoding(3, 6, 4)
    student(normal(3, 5, 6, 6), where)  # statistics that are not those at the start
    student.eval()
    folded = copy.deepcopy(student)
    fold_batch_norms(folded)
    assert not any(isinstance(x, torch.nn.BatchNorm2d) for x in folded.modules())
    x = normal(2, 5, 6, 6, seed=1)
    torch.testing.assert_close(folded(x, where[:2]), student(x, where[:2]))


def test_it_reads_the_condition():
    torch.manual_seed(0)
    student = ResidualStudent(5, 4, width=8, blocks=1).eval()
    x, where = normal(1, 5, 6, 6).float(), encoding(1, 6, 4)
    assert student(x, where).shape == x.shape
    assert not torch.allclose(student(x, where), student(x, where + 1.0))
