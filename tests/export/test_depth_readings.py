"""What a graph counts of heights, against what numpy and OpenCV count."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.export.depth_readings import depth_readings
from dcrdf.scoring.depth_sensor import DepthReadings
from dcrdf.tensors.scans import Scans


@given(seed=st.integers(0, 2**31), measured=st.sampled_from([0.0, 0.02, 0.5, 0.97, 1.0]))
def test_they_are_the_same(seed, measured):
    generator = np.random.default_rng(seed)
    shape = (3, 24, 24)
    height = np.clip(generator.normal(0.3, 0.4, shape), 0, 1).astype(np.float32)
    masks = {
        "valid": generator.random(shape) < measured,
        "inside": generator.random(shape) < 0.9,
        "on_part": generator.random(shape) < generator.choice([0.0, 0.3]),
    }
    scans = Scans(rgb=np.zeros((*shape, 3), np.uint8), height=height, **masks)
    wanted = DepthReadings.of(scans)
    found = depth_readings(
        *(torch.from_numpy(x) for x in (height, masks["valid"], masks["inside"], masks["on_part"]))
    )
    for name in ("hole_share", "part_hole_share", "noise"):
        value, expected = getattr(found, name).numpy(), getattr(wanted, name).numpy()
        assert value == pytest.approx(expected, rel=1e-5, abs=1e-7), name
    assert torch.equal(found.is_near_hole, wanted.is_near_hole)
