"""The student against loops: values, order of its layers, count."""

import numpy as np
import pytest
import torch

from . import binding, made, oracle

CONDITION = 8


@pytest.mark.parametrize("blocks", [1, 4])
@pytest.mark.parametrize("channels", [5, 6])
def test_values_are_those_of_the_loops(channels, blocks):
    weights = made.student(1, channels, CONDITION, blocks=blocks)
    x, c = made.maps(2, channels, 4, 3), made.maps(3, CONDITION, 4, 3)
    found = binding.run_student(binding.student_of(weights), x, c)
    np.testing.assert_allclose(found, oracle.student(weights, [x], c)[0], atol=1e-12)


def test_the_condition_is_read():
    weights = made.student(1, 5, CONDITION)
    x, c = made.maps(2, 5, 3, 3), made.maps(3, CONDITION, 3, 3)
    student = binding.student_of(weights)
    assert (
        np.abs(binding.run_student(student, x, c) - binding.run_student(student, x, 0 * c)).max()
        > 0.01
    )


def test_published_sizes_have_the_published_count():
    with torch.device("meta"):
        student = binding.new_student(368, 32, width=1024, blocks=4)
    assert binding.learnt(student) == oracle.student_parameters(368, 32, 1024, 4) == 82_601_328


def test_norms_start_as_torch_has_them():
    student = binding.new_student(5, CONDITION, width=6, blocks=2)
    norms = [x for x in student.modules() if isinstance(x, torch.nn.BatchNorm2d)]
    assert len(norms) == 4
    assert {norm.eps for norm in norms} == {oracle.NORM_EPS}
