"""Heights as channels, cells of the part, features of one stage; held rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.detectors.flow_distillation.held_rows import HeldRows
from dcrdf.detectors.flow_distillation.inputs import CellInputs, InputMaker, centred
from dcrdf.detectors.flow_distillation.moments import Moments
from dcrdf.detectors.flow_distillation.streams import shown_to

from .conftest import CPU, SIDE, SmallTeacher, make_scans, with_part


def made(scans, **options):
    return InputMaker(SmallTeacher(), FlowDistillationOptions(**options)).of_good(scans, CPU)


def test_channels_of_a_cell_are_its_pixels():
    """32 x 32 half-size pixels in 4 x 4 cells of 8 x 8."""
    scans = with_part(make_scans(), np.ones((5, SIDE, SIDE), bool))
    found = made(scans, depth_centre="none").height.numpy()
    assert found.shape == (5, 64, 4, 4)
    half = scans.height.reshape(5, 32, 2, 32, 2).mean(axis=(2, 4))
    for i, j, r, c in [(0, 0, 0, 0), (3, 5, 2, 1), (7, 7, 3, 3), (0, 6, 1, 2)]:
        expected = half[:, 8 * r + i, 8 * c + j]
        np.testing.assert_allclose(found[:, 8 * i + j, r, c], expected, rtol=1e-6)


@pytest.mark.parametrize("cell", [4, 8, 16])
@pytest.mark.parametrize(("stage", "side", "channels"), [(3, 4, 12), (2, 8, 8)])
def test_all_come_on_the_grid_of_the_features(cell, stage, side, channels):
    found = made(make_scans(), depth_cell=cell, feature_stage=stage)
    assert found.colour.shape == (5, channels, side, side)
    assert found.height.shape == (5, cell**2, side, side)
    assert found.part.shape == (5, side, side)


def test_heights_are_about_their_mean_on_the_part_and_zero_beside_it():
    scans = make_scans()
    height, part = torch.from_numpy(scans.height), torch.from_numpy(scans.outline)
    shown = centred(height, part)
    for one, of_part, before in zip(shown, part, height, strict=True):
        assert abs(float(one[of_part].mean())) < 1e-6
        torch.testing.assert_close(one[of_part], before[of_part] - before[of_part].mean())
    other = replace(scans, height=np.where(scans.outline, scans.height + 3, -7).astype(np.float32))
    for name, one, two in zip(CellInputs._fields, made(scans), made(other), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5, msg=name)
    moved = made(other, depth_centre="none").height - made(scans, depth_centre="none").height
    assert moved.max() == pytest.approx(3.0, abs=1e-5)
    assert moved.min() == 0.0  # beside the part


def test_without_a_part_heights_are_zero():
    found = made(with_part(make_scans(), np.zeros((5, SIDE, SIDE), bool)))
    assert not found.height.any()
    assert not found.part.any()
    assert not found.share.any()


def test_a_cell_counts_where_any_pixel_is_the_parts():
    outline = np.zeros((5, SIDE, SIDE), bool)
    outline[0, 16, 31] = outline[1, 15, 32] = True
    found = made(with_part(make_scans(), outline))
    assert found.part.nonzero().tolist() == [[0, 1, 1], [1, 0, 2]]
    assert found.share.tolist()[:3] == pytest.approx([SIDE**-2, SIDE**-2, 0.0])


def test_the_share_is_of_the_image_not_of_its_bars():
    scans = make_scans()
    inside = scans.inside.copy()
    inside[:, : SIDE // 4] = inside[:, -SIDE // 4 :] = False
    scans = replace(scans, inside=inside, outline=scans.outline & inside)
    expected = scans.outline.sum(axis=(1, 2)) / (SIDE * SIDE / 2)
    np.testing.assert_allclose(made(scans).share, expected, rtol=1e-6)


def test_what_is_absent_has_no_channels():
    make = InputMaker(SmallTeacher(), FlowDistillationOptions())
    batch = make_scans().batch(CPU, {"outline"})
    both = make(batch)
    assert set(shown_to(both)) == {"joint", "rgb", "depth"}
    torch.testing.assert_close(
        shown_to(both)["joint"], torch.cat([both.colour, both.height], dim=1)
    )
    colour, height = make(batch.without("depth")), make(batch.without("rgb"))
    assert torch.equal(shown_to(colour)["rgb"], both.colour)
    assert torch.equal(shown_to(height)["depth"], both.height)
    assert set(shown_to(colour)) == {"rgb"}
    assert set(shown_to(height)) == {"depth"}
    assert torch.equal(height.part, both.part)


def test_autocast_changes_nothing_that_is_learnt():
    plain = made(make_scans())
    with torch.autocast("cpu", torch.bfloat16):
        under = made(make_scans())
    assert all(map(torch.equal, plain, under))


def test_rows_are_the_same_held_or_not():
    calls = []

    def make(rows):
        calls.append(len(rows))
        values = torch.from_numpy(rows).float()
        return values[:, None] * torch.tensor([1.0, 10.0]), values

    size_mb = 40 * 12 / 2**20
    held, computed = (HeldRows(make, 40, CPU, mb) for mb in (2 * size_mb, size_mb / 2))
    assert held.left_mb == pytest.approx(size_mb)
    assert computed.left_mb == size_mb / 2
    assert calls == [1, 16, 16, 8, 1]
    rows = np.array([39, 0, 3, 3])
    for one, other, expected in zip(held.rows(rows), computed.rows(rows), make(rows), strict=True):
        assert torch.equal(one, expected)
        assert torch.equal(other, expected)
    for source in (held, computed):
        assert torch.cat([x for _, x in source.chunks()]).tolist() == list(range(40))
    named = HeldRows(lambda rows: CellInputs(*[torch.zeros(len(rows), 1)] * 4), 3, CPU, 1.0)
    assert isinstance(named.rows(np.array([1])), CellInputs)


def test_moments_are_those_of_the_cells_that_count():
    generator = np.random.default_rng(0)
    maps, cells = generator.normal(3, 2, (6, 4, 5, 5)), generator.random((6, 5, 5)) < 0.4
    maps[:, 3] = 7.0  # dead
    moments = Moments()
    for rows in (slice(0, 2), slice(2, 6)):
        moments.add(torch.from_numpy(maps[rows]), torch.from_numpy(cells[rows]))
    mean, deviation = moments.result()
    counted = maps.transpose(0, 2, 3, 1)[cells]
    np.testing.assert_allclose(mean, counted.mean(axis=0))
    np.testing.assert_allclose(deviation[:3], counted.std(axis=0)[:3], rtol=1e-6)
    assert float(deviation[3]) == pytest.approx(0.01 * float(counted.std(axis=0).mean()), rel=1e-3)
