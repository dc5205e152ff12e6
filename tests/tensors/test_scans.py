"""What prepared scans hold, lack and become on the device."""

import numpy as np
import pytest
import torch

from dcrdf.tensors.scans import Scans

CPU = torch.device("cpu")
SIDE, COUNT = 8, 3
MASKS = ("inside", "valid", "outline", "on_part")
OF_DEPTH = ("height", "valid", "outline", "on_part", "normals", "points")


@pytest.fixture
def fields():
    """Arrays of all fields; none of them is contiguous in memory."""
    generator = np.random.default_rng(0)
    images = (SIDE, 2 * COUNT, SIDE, 3)
    found = {name: generator.random(images[:3]) < 0.5 for name in MASKS}
    found |= {
        "rgb": generator.integers(0, 256, images, np.uint8),
        "height": generator.random(images[:3], np.float32),
        "normals": generator.random(images).astype(np.float16),
        "points": generator.random(images, np.float32),
    }
    return {name: x.swapaxes(0, 1)[::-2] for name, x in found.items()}


def test_a_batch_holds_the_same_values_channels_first(fields):
    batch = Scans(**fields).batch(CPU, {"outline", "points"})
    expected = {
        "rgb": fields["rgb"].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255),
        "surface": fields["normals"].transpose(0, 3, 1, 2),
        "points": fields["points"].transpose(0, 3, 1, 2),
        **{name: fields[name] for name in ("inside", "valid", "outline")},
    }
    for name, values in expected.items():
        found = getattr(batch, name)
        assert found.is_contiguous()
        assert found.dtype == (torch.bool if values.dtype == bool else torch.float32)
        np.testing.assert_array_equal(found.numpy(), values, err_msg=name)
    assert batch.has_normals
    assert (len(batch), batch.size) == (COUNT, (SIDE, SIDE))
    assert {name: id(x) for name, x in batch.images.items()} == {
        "rgb": id(batch.rgb),
        "depth": id(batch.surface),
    }


def test_without_normals_the_height_is_replicated(fields):
    del fields["normals"]
    batch = Scans(**fields).batch(CPU)
    assert not batch.has_normals
    for channel in range(3):
        np.testing.assert_array_equal(batch.surface[:, channel].numpy(), fields["height"])


def test_outline_and_points_come_where_they_are_needed_alone(fields):
    scans = Scans(**fields)
    for needs in (set(), {"outline"}, {"points"}, {"variants"}):
        batch = scans.batch(CPU, needs)
        assert (batch.outline is not None, batch.points is not None) == (
            "outline" in needs,
            "points" in needs,
        )


@pytest.mark.parametrize("on_device", [False, True])
def test_scans_that_lack_a_modality(fields, on_device):
    scans = Scans(**fields)
    whole = scans.batch(CPU, {"outline", "points"}) if on_device else scans
    of_depth = {*OF_DEPTH, "surface"} if on_device else {*OF_DEPTH}
    for modality, lacked in (("rgb", {"rgb"}), ("depth", of_depth)):
        left = whole.without(modality)
        for name in vars(whole):
            is_same = getattr(left, name) is getattr(whole, name)
            assert (getattr(left, name) is None) if name in lacked else is_same, name
    with pytest.raises(ValueError, match="lack a modality"):
        scans.without("depth").both()


def test_some_of_the_scans(fields):
    scans = Scans(**fields)
    rows = np.array([2, 0])
    batch = scans.batch(CPU, {"outline", "points"})
    some = batch.rows(torch.from_numpy(rows)).to(CPU)
    expected = scans[rows].batch(CPU, {"outline", "points"})
    for name in ("inside", "rgb", "surface", "valid", "outline", "points"):
        assert torch.equal(getattr(some, name), getattr(expected, name))
    assert some.has_normals


@pytest.mark.parametrize("orientation", range(8))
def test_a_batch_turns_as_its_scans_do(fields, orientation):
    """Images, masks and the vectors of normals."""
    scans = Scans(**{**fields, "points": None})
    batch = scans.batch(CPU, {"outline"}).turned(orientation)
    again = scans.oriented(np.full(COUNT, orientation)).batch(CPU, {"outline"})
    assert torch.equal(batch.rgb, again.rgb)
    assert torch.equal(batch.surface, again.surface)
    assert torch.equal(batch.inside, again.inside)
    assert torch.equal(batch.outline, again.outline)


def test_points_are_not_turned(fields):
    batch = Scans(**fields).batch(CPU, {"points"})
    assert batch.turned(0) is batch
    with pytest.raises(ValueError, match="as they are"):
        batch.turned(1)
    with pytest.raises(ValueError, match="as they are"):
        Scans(**fields).oriented(np.ones(COUNT, np.intp))
