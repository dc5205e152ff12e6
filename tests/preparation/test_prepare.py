import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import SPLITS
from dcrdf.errors import UserError
from dcrdf.files.hdf5 import PACKED
from dcrdf.files.images import read_xyz, write_png, write_xyz
from dcrdf.files.masks import read_mask
from dcrdf.preparation.image import prepare_scan
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared


def contents(path) -> Mapping[str, Any]:
    """All datasets and attributes of a file."""
    found: dict[str, Any] = {}

    def note(name, member):
        if isinstance(member, h5py.Dataset):
            found[name] = member[:]

    with h5py.File(path) as file:
        file.visititems(note)
        found.update(file.attrs)
    return found


def assert_same_contents(one, two):
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name], err_msg=name)


def prepare(samples, options, out, processes=1, **more):
    return prepare_category(samples, options, out, '{"stage":"prepare"}', processes, **more)


def border_rubble(path):
    """Spoil the border of a points file, so that no plane fits it."""
    xyz = read_xyz(path).copy()
    border = np.ones(xyz.shape[:2], np.bool_)
    border[3:-3, 3:-3] = False
    xyz[border] = np.random.default_rng(1).uniform(0.2, 0.9, (np.count_nonzero(border), 3))
    write_xyz(path, xyz)


def raised(path, height_m):
    """Bring the middle of a points file nearer to the camera."""
    xyz = read_xyz(path).copy()
    xyz[20:40, 20:40, 2] -= np.where(xyz[20:40, 20:40, 2] > 0, np.float32(height_m), 0)
    write_xyz(path, xyz)


def of(samples, split):
    return [sample for sample in samples if sample.split == split]


def test_every_row_is_the_scan_prepared_alone(samples, options, tmp_path):
    border_rubble(of(samples, "train")[1].xyz)
    border_rubble(of(samples, "test")[2].xyz)
    summary = prepare(samples, options, tmp_path / "a.h5")
    assert summary.mode == "part"
    assert len(summary.planes_replaced) == 2
    with open_prepared(tmp_path / "a.h5") as prepared:
        for split in SPLITS:
            rows = prepared.split(split)
            assert len(rows) == len(of(samples, split)) == summary.counts[split]
            for index, sample in enumerate(of(samples, split)):
                image = prepare_scan(load_scan(sample), prepared.options, prepared.constants)
                for name in ("rgb", "depth", "valid", "foreground"):
                    np.testing.assert_array_equal(getattr(rows, name)[index], getattr(image, name))


def test_what_is_known_of_each_sample(samples, options, tmp_path):
    summary = prepare(samples, options, tmp_path / "a.h5")
    test = of(samples, "test")
    with open_prepared(tmp_path / "a.h5") as prepared:
        assert prepared.category == summary.category == "a"
        assert prepared.stage == {"stage": "prepare"}
        assert prepared.options == options
        assert prepared.summary == json.loads(json.dumps(summary.to_dict()))
        rows = prepared.split("test")
        assert rows.name == [sample.name for sample in test]
        assert rows.defect == [sample.defect for sample in test]
        assert rows.label.tolist() == [int(not sample.is_good) for sample in test]
        assert rows.native_size.tolist() == [[64, 64]] * len(test)
        for index, sample in enumerate(test):
            np.testing.assert_array_equal(rows.native_gt(index), read_mask(sample.gt))
            np.testing.assert_array_equal(rows.gt[index], read_mask(sample.gt))
            missing = (load_scan(sample).xyz == 0).all(axis=-1).mean()
            assert rows.missing_share[index] == pytest.approx(missing)
        assert rows.plane.shape == (len(test), 4)
        np.testing.assert_allclose(np.linalg.norm(rows.plane[:, :3], axis=1), 1.0)
        assert (rows.plane_inlier_share > 0.9).all()
        assert not rows.plane_replaced.any()
        assert summary.foreground_share == np.median(prepared.split("train").foreground_share)
        with pytest.raises(UserError, match="keep_xyz"):
            assert rows.xyz


def test_processes_do_not_change_a_bit(samples, options, tmp_path):
    border_rubble(of(samples, "train")[0].xyz)
    one = prepare(samples, options, tmp_path / "one.h5", processes=1)
    two = prepare(samples, options, tmp_path / "two.h5", processes=2)
    assert one == two
    assert_same_contents(contents(tmp_path / "one.h5"), contents(tmp_path / "two.h5"))
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_masks_are_packed_alike_each_time(samples, options, tmp_path):
    prepare(samples, options, tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        datasets = [file["train/valid"], file["test/gt"], *file["test/native_gt"].values()]
        for dataset in datasets:
            assert dataset.compression == PACKED["compression"], dataset.name


def test_constants_come_from_training_alone(samples, options, tmp_path):
    prepare(samples, options, tmp_path / "before.h5")
    for sample in of(samples, "test") + of(samples, "validation"):
        raised(sample.xyz, 0.05)
    prepare(samples, options, tmp_path / "after.h5")
    before, after = contents(tmp_path / "before.h5"), contents(tmp_path / "after.h5")
    assert before["constants"] == after["constants"]
    np.testing.assert_array_equal(before["train/depth"], after["train/depth"])
    assert before["input_digest"] != after["input_digest"]
    raised(of(samples, "train")[0].xyz, 0.05)
    prepare(samples, options, tmp_path / "again.h5")
    assert contents(tmp_path / "again.h5")["constants"] != before["constants"]


def test_training_heights_fill_the_unit_interval(samples, options, tmp_path):
    prepare(samples, options, tmp_path / "a.h5")
    with open_prepared(tmp_path / "a.h5") as prepared:
        train = prepared.split("train")
        heights = train.depth[train.foreground & train.valid]
        constants = prepared.constants
        span_m = constants.high_m - constants.low_m
        assert span_m == pytest.approx(0.005)
        slope = (0.02 / 64) / 6e-4
        thickness_m = 0.005 / np.hypot(1.0, slope)
        assert np.median(heights) == pytest.approx(
            (thickness_m - constants.low_m) / span_m, abs=0.02
        )
        assert np.median(train.depth[~train.foreground]) == pytest.approx(
            -constants.low_m / span_m, abs=0.05
        )


def make_wedge(sample, generator):
    """Turn a disc of 5 mm into a wedge of 8 to 24 mm with a hole in its high half, beside something
    of 40 mm that is no part: smaller than any component that counts."""
    xyz = read_xyz(sample.xyz).copy()
    y, x = np.mgrid[:64, :64] - 31.5
    disc = np.hypot(x, y) < 20
    height_m = np.where(disc, 0.008 + 0.016 * (x + 20) / 40, 0.0)
    height_m[:2, 30:32] = 0.04
    xyz[..., 2] = 0.45 - height_m + generator.normal(0, 2e-5, x.shape)
    xyz[(np.abs(y) < 10) & (x > 4) & (x < 14)] = 0.0
    write_xyz(sample.xyz, xyz.astype(np.float32))


@pytest.mark.parametrize("mode", ["part", "field"])
def test_percentiles_are_those_of_the_measured_foreground(samples, options, tmp_path, mode):
    """Neither the table nor filled holes move the height that is shown as 0 and 1."""
    generator = np.random.default_rng(5)
    for sample in of(samples, "train"):
        make_wedge(sample, generator)
    changed = options.model_copy(
        update={"mode": mode, "normalise_low_percentile": 3.0, "normalise_high_percentile": 90.0}
    )
    prepare(samples, changed, tmp_path / "a.h5")
    heights_mm = []
    for sample in of(samples, "train"):
        z_m = read_xyz(sample.xyz)[..., 2].astype(np.float64)
        measured = z_m > 0
        above_mm = 1e3 * (0.45 - z_m)  # the table is level
        heights_mm.append(above_mm[measured & (above_mm > 4) & (above_mm < 30)]
                          if mode == "part" else above_mm[measured])  # fmt: skip
    low_mm, high_mm = np.percentile(np.concatenate(heights_mm), [3.0, 90.0])
    with open_prepared(tmp_path / "a.h5") as prepared:
        assert prepared.constants.mode == mode
        assert 1e3 * prepared.constants.low_m == pytest.approx(low_mm, abs=0.06)
        assert 1e3 * prepared.constants.high_m == pytest.approx(high_mm, abs=0.06)


@pytest.mark.parametrize(
    "change",
    [{"resize": "letterbox"}, {"depth": "z"}, {"mode": "field"}, {"fill": "telea"}],
)
def test_other_options_run_through(samples, options, tmp_path, change):
    changed = PrepareOptions(**(options.model_dump() | change))
    summary = prepare(samples, changed, tmp_path / "a.h5")
    assert summary.mode == change.get("mode", "part")
    with open_prepared(tmp_path / "a.h5") as prepared:
        assert prepared.options == changed
        depth = prepared.split("test").depth
        assert np.isfinite(depth).all()
        assert depth.std() > 0.01


def test_points_are_kept_on_request(samples, options, tmp_path):
    prepare(samples, options, tmp_path / "a.h5", keep_xyz=True)
    with open_prepared(tmp_path / "a.h5") as prepared:
        xyz = prepared.split("train").xyz
    for kept, sample in zip(xyz, of(samples, "train"), strict=True):
        np.testing.assert_array_equal(kept, load_scan(sample).xyz)


def test_sizes_may_differ_and_masks_keep_theirs(samples, options, tmp_path):
    sample = of(samples, "test")[-1]
    write_png(sample.rgb, np.full((50, 70, 3), 100, np.uint8))
    write_xyz(sample.xyz, read_xyz(of(samples, "test")[0].xyz)[:50, np.arange(70) % 64])
    gt = np.zeros((50, 70), np.uint8)
    gt[3:9, 60:] = 7
    write_png(sample.gt, gt)
    prepare(samples, options, tmp_path / "a.h5")
    with open_prepared(tmp_path / "a.h5") as prepared:
        rows = prepared.split("test")
        assert rows.native_size[-1].tolist() == [50, 70]
        np.testing.assert_array_equal(rows.native_gt(len(rows) - 1), gt > 0)
        assert rows.gt[-1].mean() == pytest.approx((gt > 0).mean(), rel=0.2)


def test_a_good_test_image_needs_no_mask(samples, options, tmp_path):
    bare = [replace(sample, gt=None) if sample.is_good else sample for sample in samples]
    prepare(bare, options, tmp_path / "a.h5")
    with open_prepared(tmp_path / "a.h5") as prepared:
        rows = prepared.split("test")
        assert rows.native_gt(0).shape == (64, 64)
        assert not rows.native_gt(0).any()


@pytest.mark.parametrize(
    ("split", "processes"), [("train", 1), ("validation", 1), ("test", 1), ("test", 2)]
)
def test_strict_stops_at_a_bad_scan_and_leaves_nothing(
    samples, options, tmp_path, split, processes
):
    bad = of(samples, split)[1].rgb
    bad.write_bytes(bad.read_bytes()[:200])
    out = tmp_path / "out" / "a.h5"
    out.parent.mkdir()
    out.write_text("the file of an earlier run")
    with pytest.raises(UserError, match=f"{split}/.*{bad.name}"):
        prepare(samples, options, out, processes)
    assert [path.name for path in out.parent.iterdir()] == ["a.h5"]
    assert out.read_text() == "the file of an earlier run"


@pytest.mark.parametrize("processes", [1, 2])
def test_lenient_leaves_bad_scans_out_and_says_so(samples, options, tmp_path, processes):
    lenient = options.model_copy(update={"strict": False})
    bad = [of(samples, split)[1] for split in SPLITS]
    kept = [sample for sample in samples if sample not in bad]
    prepare(kept, lenient, tmp_path / "kept.h5")
    for sample in bad:
        sample.rgb.write_bytes(b"not a picture")
    summary = prepare(samples, lenient, tmp_path / "all.h5", processes)
    assert [identity for identity, _ in summary.skipped] == [sample.identity for sample in bad]
    assert all(
        sample.rgb.name in reason for sample, (_, reason) in zip(bad, summary.skipped, strict=True)
    )
    one, two = contents(tmp_path / "kept.h5"), contents(tmp_path / "all.h5")
    for name in ("summary", "skipped"):
        assert one[name] != two[name]
        one[name] = two[name]
    assert_same_contents(one, two)
    with open_prepared(tmp_path / "all.h5") as prepared:
        assert [identity for identity, _ in prepared.skipped] == [x.identity for x in bad]


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_that_fails_as_a_whole_stops_even_then(samples, options, tmp_path, split):
    for sample in of(samples, split):
        sample.rgb.write_bytes(b"not a picture")
    lenient = options.model_copy(update={"strict": False})
    with pytest.raises(UserError, match=f"no {split} scan"):
        prepare(samples, lenient, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def write_block(path, z_m):
    """Let a sensor write `z_m` where it saw nothing."""
    xyz = read_xyz(path).copy()
    xyz[20:40, 20:40, 2] = z_m
    write_xyz(path, xyz)


NOT_MEASURED = [65.535, 1e6, float(np.finfo(np.float32).max)]


@pytest.mark.parametrize("z_m", NOT_MEASURED)
@pytest.mark.filterwarnings("error")
def test_numbers_for_no_measurement_spoil_nothing(samples, options, tmp_path, z_m):
    prepare(samples, options, tmp_path / "sound.h5")
    for split in SPLITS:
        write_block(of(samples, split)[0].xyz, z_m)
    summary = prepare(samples, options, tmp_path / "spoilt.h5")
    with open_prepared(tmp_path / "sound.h5") as sound, open_prepared(tmp_path / "spoilt.h5") as it:
        assert it.constants.low_m == pytest.approx(sound.constants.low_m, abs=1e-4)
        assert it.constants.high_m == pytest.approx(sound.constants.high_m, abs=1e-4)
        for split in SPLITS:
            assert np.isfinite(it.split(split).depth).all()
            assert not it.split(split).valid[0][25:35, 25:35].any()
    assert summary.far_points == 3 * 400
    assert len(summary.with_far_points) == 3
    assert len(summary.warnings) == 1


def test_absurd_training_heights_are_reported(samples, options, tmp_path):
    for sample in of(samples, "train"):
        write_block(sample.xyz, 40.0)
    summary = prepare(samples, options, tmp_path / "a.h5")
    assert any("training heights span 35." in warning for warning in summary.warnings)


@pytest.mark.parametrize("split", SPLITS)
def test_a_scan_of_implausible_numbers_alone_is_named_or_skipped(samples, options, tmp_path, split):
    spoilt = of(samples, split)[0]
    xyz = np.full_like(read_xyz(spoilt.xyz), NOT_MEASURED[-1])
    xyz[::2] *= -1
    write_xyz(spoilt.xyz, xyz)
    with pytest.raises(UserError, match=str(spoilt.xyz)):
        prepare(samples, options, tmp_path / "a.h5")
    lenient = options.model_copy(update={"strict": False})
    summary = prepare(samples, lenient, tmp_path / "a.h5")
    assert [identity for identity, _ in summary.skipped] == [spoilt.identity]


def test_training_samples_are_needed(samples, options, tmp_path):
    with pytest.raises(UserError, match="a: no training samples"):
        prepare(of(samples, "test"), options, tmp_path / "a.h5")
    with pytest.raises(UserError, match="no training samples"):
        prepare([], options, tmp_path / "a.h5")


def test_validation_and_test_may_be_absent(samples, options, tmp_path):
    summary = prepare(of(samples, "train"), options, tmp_path / "a.h5")
    assert summary.counts == {"train": 4, "validation": 0, "test": 0}
    with open_prepared(tmp_path / "a.h5") as prepared:
        assert len(prepared.split("test")) == 0
        assert prepared.split("test").rgb.shape == (0, 64, 64, 3)
        assert prepared.split("test").name == []


def test_a_forced_part_without_foreground_is_refused(samples, options, tmp_path):
    for sample in of(samples, "train"):
        xyz = read_xyz(sample.xyz).copy()
        xyz[..., 2] = 0.5
        write_xyz(sample.xyz, xyz)
    forced = options.model_copy(update={"mode": "part"})
    with pytest.raises(UserError, match="a: no foreground"):
        prepare(samples, forced, tmp_path / "a.h5")


def test_raw_files_stay_as_they_are(samples, options, tmp_path):
    files = [path for x in samples for path in (x.rgb, x.xyz, x.gt) if path is not None]
    before = {path: path.read_bytes() for path in files}
    prepare(samples, options, tmp_path / "a.h5")
    assert before == {path: path.read_bytes() for path in files}


def test_an_unwritable_target_is_named(samples, options, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="file"):
        prepare(samples, options, tmp_path / "file" / "a.h5")
