"""Other papers' preparations on scenes whose geometry is known."""

from dataclasses import replace

import numpy as np
import pytest

from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.datasets.load import load_scan
from dcrdf.datasets.sample import SPLITS, Scan
from dcrdf.errors import UserError
from dcrdf.files.images import read_xyz, write_png, write_xyz
from dcrdf.preparation.image import prepare_scan
from dcrdf.preparation.measure import measure_scan, part_of_scan
from dcrdf.preparation.measured import TrainingPlane
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.preparation.plane import Plane
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.resize import place, resize_nearest, to_native
from dcrdf.preparation.store import open_prepared

CONSTANTS = PreparationConstants("part", 0.0, 0.01, (0.0, 0.0, -1.0, 0.5))
FAR = replace(CONSTANTS, low_m=0.4, high_m=0.6)
"""Constants of distances."""
SIZE = 64
OTHERS = [name for name in PREPARE_PRESETS if name != "house"]


def preset(name, **changes):
    values = {**PREPARE_PRESETS[name], "image_size": SIZE, **changes}
    return PrepareOptions.parse(values, "prepare")


def disc(size=SIZE, radius=18.0, centre=(0.0, 0.0)):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.hypot(x - centre[1], y - centre[0]) < radius


@pytest.fixture
def scan_of(tilted_points):
    """A scan of heights in mm above a tilted table, some of its points missing."""

    def make(height_mm, missing=None, noise_mm=0.02):
        xyz, _ = tilted_points(np.asarray(height_mm) * 1e-3, noise_m=noise_mm * 1e-3)
        if missing is not None:
            xyz[missing] = 0.0
        shape = xyz.shape[:2]
        rgb = np.random.default_rng(3).integers(1, 256, (*shape, 3)).astype(np.uint8)
        return Scan(rgb, xyz, np.zeros(shape, np.bool_))

    return make


def mean_of_neighbours(image, rounds):
    """Oracle: every zero becomes the mean of what is not zero around it, round by round."""
    for _ in range(rounds):
        before = image.copy()
        for row, column in np.argwhere(before == 0):
            around = before[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            if (around != 0).any():
                image[row, column] = around[around != 0].mean()
    return image


def closed_by(mask, width):
    """Oracle: a square's dilation, then its erosion; nothing is known beyond the border."""
    reach = width // 2

    def over(image, take):
        padded = np.pad(image.astype(float), reach, constant_values=np.nan)
        found = np.zeros_like(image)
        for row, column in np.ndindex(image.shape):
            around = padded[row : row + width, column : column + width]
            found[row, column] = take(around[~np.isnan(around)])
        return found

    return over(over(mask, np.any), np.all)


def crd_by_hand(xyz):
    """Oracle: M and D_n of CRD's steps, pixel by pixel."""
    z = xyz[..., 2].astype(np.float64)
    points = [
        xyz[block].reshape(-1, 3)[z[block].ravel() != 0].astype(np.float64).mean(axis=0)
        for block in (np.s_[:3, :3], np.s_[:3, -3:], np.s_[-3:, :3])
    ]
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal /= np.linalg.norm(normal)
    distance = np.abs((xyz.astype(np.float64) - points[0]) @ normal)
    part = closed_by((distance > 0.005) & (z != 0), 7)
    z = np.where(part, z, 0.0)
    depth = np.zeros_like(z)
    if z.any():
        low, high = z[z != 0].min(), z.max()
        depth[z != 0] = (z[z != 0] - low) / (high - low) * 0.8 + 0.1
    return part, mean_of_neighbours(depth, 2)


def grown(mask, px):
    for _ in range(px):
        mask = np.array(
            [
                [mask[max(0, r - 1) : r + 2, max(0, c - 1) : c + 2].any() for c in range(SIZE)]
                for r in range(SIZE)
            ]
        )
    return mask


def test_crd_is_what_its_steps_say(scan_of):
    holes = np.random.default_rng(1).random((SIZE, SIZE)) < 0.03
    truth = disc()
    scan = scan_of(12.0 * truth, holes)
    image = prepare_scan(scan, preset("crd"), CONSTANTS)
    part, depth = crd_by_hand(scan.xyz)
    np.testing.assert_array_equal(image.foreground, part)
    np.testing.assert_allclose(image.depth, depth, atol=1e-6)
    assert (image.foreground & ~grown(truth, 1)).sum() == 0
    assert (truth & ~grown(image.foreground, 1)).sum() == 0
    assert (image.depth[~grown(image.foreground, 2)] == 0.0).all()
    seen = image.depth[image.foreground & image.valid]
    assert seen.min() == pytest.approx(0.1)
    assert seen.max() == pytest.approx(0.9)
    np.testing.assert_array_equal(image.valid, ~holes)


def test_crd_sees_no_thin_part_and_keeps_pits(scan_of):
    thin = prepare_scan(scan_of(4.0 * disc()), preset("crd"), CONSTANTS)
    assert not thin.foreground.any()
    assert (thin.depth == 0.0).all()
    pit = prepare_scan(scan_of(-8.0 * disc()), preset("crd"), CONSTANTS)
    assert (pit.foreground == disc()).mean() > 0.99


def test_crd_fills_small_holes_alone(scan_of):
    holes = np.zeros((SIZE, SIZE), np.bool_)
    holes[24:27, 24:27] = holes[34:43, 30:39] = True
    image = prepare_scan(scan_of(12.0 * disc(), holes), preset("crd"), CONSTANTS)
    assert (image.depth[24:27, 24:27] > 0.1).all()
    assert (image.depth[36:41, 32:37] == 0.0).all()
    assert (image.depth[34:36, 30:39] > 0.1).all()


def test_one_spike_changes_crds_whole_image(scan_of):
    """The flaw of a range per image, which the house avoids."""
    height_mm = 12.0 * disc()
    spike = height_mm.copy()
    spike[30:33, 30:33] += 20.0
    before, after = (prepare_scan(scan_of(x), preset("crd"), CONSTANTS) for x in (height_mm, spike))
    elsewhere = before.foreground.copy()
    elsewhere[28:35, 28:35] = False
    lowest = before.depth[elsewhere] > 0.88
    assert (np.abs(after.depth - before.depth)[elsewhere][~lowest] > 1e-3).all()


def test_a_flat_part_is_the_middle_of_crds_range(scan_of):
    scan = scan_of(np.zeros((SIZE, SIZE)))
    scan.xyz[..., 2] = np.where(disc(), np.float32(0.45), np.float32(0.5))
    depth = prepare_scan(scan, preset("crd"), CONSTANTS).depth
    np.testing.assert_allclose(depth[disc()], 0.5)


@pytest.mark.parametrize(("name", "corner"), [("crd", np.s_[:3, :3]), ("ast", np.s_[-5:, -5:])])
def test_an_empty_corner_takes_the_training_plane(scan_of, name, corner):
    training = TrainingPlane("part", Plane((0.06, -0.08, -0.995), 0.5))
    scan = scan_of(12.0 * disc())
    own = measure_scan(scan, preset(name), training)
    assert not own.facts.plane_replaced
    scan.xyz[corner] = 0.0
    assert not measure_scan(scan, preset(name)).facts.has_plane
    facts = measure_scan(scan, preset(name), training).facts
    assert facts.plane_replaced
    assert facts.plane == training.plane


def test_a_corner_plane_is_used_whatever_the_border_says(scan_of):
    height_mm = np.zeros((SIZE, SIZE))
    height_mm[:, 4:-4] = height_mm[4:-4] = 30.0
    training = TrainingPlane("part", Plane((0.0, 0.0, -1.0), 0.5))
    facts = measure_scan(scan_of(height_mm), preset("crd"), training).facts
    assert facts.inlier_share < 0.5
    assert not facts.plane_replaced


def test_crd_measures_the_picked_points(scan_of):
    y, x = np.mgrid[:200, :200] - 99.5
    scan = scan_of(12.0 * (np.hypot(x, y) < 60), np.random.default_rng(0).random((200, 200)) < 0.05)
    placement = place((200, 200), SIZE, "stretch")
    picked = Scan(np.zeros((SIZE, SIZE, 3), np.uint8), resize_nearest(scan.xyz, placement))
    one, other = (prepare_scan(s, preset("crd"), CONSTANTS) for s in (scan, picked))
    for name in ("depth", "valid", "foreground"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    facts = measure_scan(scan, preset("crd")).facts
    assert facts.native_size == (200, 200)
    assert facts.missing_share == pytest.approx((scan.xyz == 0).all(axis=-1).mean())
    part = part_of_scan(scan, preset("crd"), TrainingPlane("part", facts.plane))
    assert part.shape == (200, 200)
    assert (part == (np.hypot(x, y) < 60)).mean() > 0.95


def ast_by_hand(xyz):
    """Oracle: heights, M and D_n of AST's steps at the scan's own size, pixel by pixel."""
    z = mean_of_neighbours(xyz[..., 2].astype(np.float64), 3)
    rows, columns = z.shape
    corners = [z[r, c][z[r, c] != 0].mean()
               for r in (np.s_[:2], np.s_[-2:]) for c in (np.s_[:2], np.s_[-2:])]  # fmt: skip
    part, height = np.zeros(z.shape, np.bool_), np.zeros_like(z)
    for row in range(rows):
        for column in range(columns):
            v, u = row / (rows - 1), column / (columns - 1)
            above = corners[0] * (1 - u) + corners[1] * u
            below = corners[2] * (1 - u) + corners[3] * u
            height[row, column] = above * (1 - v) + below * v - z[row, column]
            part[row, column] = abs(height[row, column]) > 0.007 and z[row, column] != 0
    return part, np.where(part, (z - z[part].mean()) / 0.01, 0.0)


def test_ast_is_what_its_steps_say(scan_of):
    holes = np.random.default_rng(1).random((SIZE, SIZE)) < 0.03
    scan = scan_of(12.0 * disc(), holes)
    image = prepare_scan(scan, preset("ast"), CONSTANTS)
    part, depth = ast_by_hand(scan.xyz)
    np.testing.assert_array_equal(image.foreground, part)
    np.testing.assert_allclose(image.depth, depth, atol=2e-5)
    assert image.depth[part].mean() == pytest.approx(0.0, abs=1e-5)
    assert (image.depth[~part] == 0.0).all()
    np.testing.assert_array_equal(image.valid, ~holes)


def test_ast_counts_in_centimetres(scan_of):
    scan = scan_of(np.zeros((SIZE, SIZE)))
    scan.xyz[..., 2] = np.where(disc(), np.where(disc(radius=9), 0.48, 0.49), 0.5)
    image = prepare_scan(scan, preset("ast"), CONSTANTS)
    top, shoulder = image.depth[disc(radius=9)], image.depth[disc() & ~disc(radius=9)]
    assert shoulder.mean() - top.mean() == pytest.approx(1.0, abs=1e-4)


def test_ast_fills_raw_holes_up_to_six_pixels(scan_of):
    holes = np.zeros((SIZE, SIZE), np.bool_)
    holes[20:25, 20:25] = holes[34:43, 30:39] = True
    image = prepare_scan(scan_of(12.0 * disc(), holes), preset("ast"), CONSTANTS)
    assert image.foreground[20:25, 20:25].all()
    assert not image.foreground[37:40, 33:36].any()
    assert (image.depth[37:40, 33:36] == 0.0).all()
    assert image.foreground[34:37, 30:39].all()


def test_ast_leaves_flanks_below_its_limit_out(scan_of):
    image = prepare_scan(scan_of(12.0 * disc() - 6.0 * disc(radius=8)), preset("ast"), CONSTANTS)
    assert not image.foreground[disc(radius=6)].any()


def blobs(gap_mm):
    """Two blocks of 20 mm height, so many millimetres (here pixels) apart."""
    height_mm = np.zeros((100, 100))
    height_mm[20:80, 20:60] = height_mm[30:60, 59 + gap_mm : 75 + gap_mm] = 20.0
    return height_mm


def test_m3dm_keeps_the_largest_cluster_and_its_colours(scan_of):
    options = preset("m3dm", image_size=96, pad_multiple=1)
    near = measure_scan(scan_of(blobs(3), noise_mm=0.0), options)
    assert near.part.sum() == pytest.approx(0.96**2 * (blobs(3) > 0).sum(), rel=0.05)
    missing = np.zeros((100, 100), np.bool_)
    missing[48:52, 38:42] = missing[85:95, 5:15] = True
    scan = scan_of(blobs(15), missing, noise_mm=0.0)
    part = part_of_scan(scan, options, TrainingPlane("part", Plane((0, 0, -1), 0.5)))
    truth = np.zeros((100, 100), np.bool_)
    truth[20:80, 20:60] = True
    np.testing.assert_array_equal(part, truth & ~missing)
    same_size = replace(scan, rgb=np.full((100, 100, 3), 200, np.uint8))
    image = prepare_scan(same_size, preset("m3dm", image_size=320, pad_multiple=1), FAR)
    # A native pixel is 3.2 wide here; cubic reaches two of them around.
    rows, columns = (3.2 * (np.array([[50, 90, 10, 45, 30], [40, 10, 50, 80, 30]]) + 0.5)).astype(
        int
    )
    missing_in_part, missing_on_table, table, smaller_blob, inside = image.rgb[rows, columns, 0]
    assert (missing_in_part, missing_on_table, inside) == (200, 200, 200)
    assert (table, smaller_blob) == (0, 0)
    assert (image.depth[~image.foreground] == -1.0).all()


def wide_scan(scan_of):
    y, x = np.mgrid[:150, :200]
    inside = np.hypot(y - 75, x - 110) < 50
    scan = scan_of(20.0 * inside)
    return replace(scan, gt=(np.abs(y - 60) < 6) & (np.abs(x - 140) < 6))


def test_m3dm_pads_to_a_square_of_hundreds(scan_of):
    scan = wide_scan(scan_of)
    narrow = Scan(scan.rgb[:, :130], scan.xyz[:, :130], scan.gt[:, :130])
    measured = measure_scan(scan, preset("m3dm", image_size=224))
    placement = place((150, 200), 224, "letterbox", 100)
    assert (placement.height, placement.width, placement.top) == (168, 224, 28)
    bars = np.ones((224, 224), np.bool_)
    bars[placement.inside] = False
    for image in (measured.rgb, measured.surface_m, measured.valid, measured.part, measured.gt):
        assert not image[bars].any()
    assert not (measured.gt & ~measured.part).sum() > 0.02 * measured.gt.sum()
    odd = place((150, 130), 224, "letterbox", 100)
    assert (odd.height, odd.width) == (168, 146)
    assert measure_scan(narrow, preset("m3dm", image_size=224)).rgb[odd.inside].any()


@pytest.mark.parametrize(
    ("size", "multiple"), [((150, 200), 100), ((150, 130), 100), ((64, 96), 1)]
)
def test_a_painted_pixel_comes_back_in_place(size, multiple):
    painted = np.zeros(size, np.bool_)
    painted[40:46, 50:56] = True
    placement = place(size, 224, "letterbox", multiple)
    map_ = np.zeros((224, 224), np.float32)
    map_[placement.inside] = resize_nearest(painted, placement)
    native = to_native(map_, size, "letterbox", multiple)
    assert native.shape == size
    np.testing.assert_array_equal(native > 0.5, painted)


def test_cfm_leaves_colours_alone_and_repeats_the_edge(scan_of):
    scan = wide_scan(scan_of)
    unblackened = preset("m3dm", image_size=224, colour_background="keep")
    plain, cfm = (measure_scan(scan, x) for x in (unblackened, preset("cfm", image_size=224)))
    inside = place((150, 200), 224, "letterbox").inside
    np.testing.assert_array_equal(cfm.rgb[inside], plain.rgb[inside])
    for name in ("surface_m", "valid", "part", "gt"):
        np.testing.assert_array_equal(getattr(cfm, name)[inside], getattr(plain, name)[inside])
    top, bottom = cfm.rgb[:28], cfm.rgb[196:]
    np.testing.assert_array_equal(top, np.broadcast_to(cfm.rgb[28], top.shape))
    np.testing.assert_array_equal(bottom, np.broadcast_to(cfm.rgb[195], bottom.shape))
    image = prepare_scan(scan, preset("cfm", image_size=224), FAR)
    assert (image.depth[~image.foreground] == -1.0).all()


@pytest.mark.parametrize("name", ["crd", "crd_normals", "ast"])
def test_truth_is_resized_as_published(scan_of, name):
    scan = scan_of(np.zeros((200, 200)))
    scan.gt[101, 67] = True
    found = measure_scan(scan, preset(name)).gt
    assert found.any() == (name == "ast")


@pytest.fixture
def parts(make_scans, tmp_path):
    """Samples of category `a`: discs of 12 mm, which every preparation finds."""
    from dcrdf.datasets.layouts import list_samples

    samples = list_samples(make_scans(tmp_path / "raw", ("a",)), "mvtec3d", "a")
    for sample in samples:
        xyz = read_xyz(sample.xyz).copy()
        raised = disc(radius=20) & (xyz[..., 2] > 0)
        xyz[..., 2] -= np.where(raised, np.float32(0.012), np.float32(0.0))
        write_xyz(sample.xyz, xyz)
        given = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
        write_png(sample.xyz.with_suffix(".png"), given)
    return [replace(sample, normals=sample.xyz.with_suffix(".png")) for sample in samples]


VARIATIONS = {
    **{name: (name, {}) for name in PREPARE_PRESETS},
    "house with normals": ("house", {"surface": "normals"}),
    "a field with normals": ("house", {"surface": "normals", "mode": "field"}),
    "given normals": ("house", {"surface": "normals", "normals": "given"}),
    "letterboxed normals": ("m3dm", {"surface": "normals"}),
}


@pytest.mark.parametrize(("name", "changes"), VARIATIONS.values(), ids=VARIATIONS)
def test_every_row_is_the_scan_prepared_alone(parts, tmp_path, name, changes):
    options = preset(name, **changes)
    for sample in parts[1], parts[-1]:
        xyz = read_xyz(sample.xyz).copy()
        xyz[:6] = xyz[-6:] = xyz[:, :6] = xyz[:, -6:] = 0.0
        write_xyz(sample.xyz, xyz)
    summary = prepare_category(parts, options, tmp_path / "a.h5", "{}", 1)
    with open_prepared(tmp_path / "a.h5") as prepared:
        assert prepared.options == options
        for split in SPLITS:
            rows = prepared.split(split)
            of_split = [sample for sample in parts if sample.split == split]
            for index, sample in enumerate(of_split):
                scan = load_scan(sample, options.reads_normals)
                image = prepare_scan(scan, options, prepared.constants)
                for field in ("rgb", "depth", "valid", "foreground"):
                    values = getattr(rows, field)[index]
                    np.testing.assert_array_equal(values, getattr(image, field), err_msg=field)
                    assert np.isfinite(values).all()
                if options.surface == "normals":
                    np.testing.assert_array_equal(rows.normals[index], image.normals)
                    assert rows.normals.dtype == np.float16
                    assert 0.0 <= rows.normals.min() <= rows.normals.max() <= 1.0
                else:
                    assert image.normals is None
                    with pytest.raises(UserError, match="surface: normals"):
                        assert rows.normals
            assert rows.depth[rows.foreground].std() > 0.0
        span_m = prepared.constants.high_m - prepared.constants.low_m
        assert 0.0 < span_m < (0.06 if options.depth == "z" else 0.03)
    if name in ("crd", "crd_normals", "ast"):
        assert len(summary.planes_replaced) == 2
        assert "the published code" in " ".join(summary.warnings)


@pytest.mark.parametrize("name", ["m3dm", "crd_normals"])
def test_processes_do_not_change_a_bit(parts, tmp_path, name):
    for processes in (1, 3):
        prepare_category(parts, preset(name), tmp_path / f"{processes}.h5", "{}", processes, True)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()


def test_normals_count_as_an_input_where_they_are_read_alone(parts, tmp_path):
    def digest(**changes):
        prepare_category(parts, preset("house", **changes), tmp_path / "a.h5", "{}", 1)
        with open_prepared(tmp_path / "a.h5") as prepared:
            return prepared.input_digest

    given = {"surface": "normals", "normals": "given"}
    before = digest(), digest(**given)
    write_png(parts[0].normals, np.zeros((SIZE, SIZE, 3), np.uint8))
    after = digest(), digest(**given)
    assert [x == y for x, y in zip(before, after, strict=True)] == [True, False]
    parts[0] = replace(parts[0], normals=None)
    assert digest() == before[0]
    with pytest.raises(UserError, match=f"{parts[0].rgb.name}: no normals"):
        digest(**given)


@pytest.mark.parametrize("name", ["m3dm", "house"])
def test_points_of_a_background_that_is_taken_out_are_missing(parts, tmp_path, name):
    prepare_category(parts, preset(name, pad_multiple=1), tmp_path / "a.h5", "{}", 1, keep_xyz=True)
    with open_prepared(tmp_path / "a.h5") as prepared:
        train = prepared.split("train")
        table = ~train.foreground & train.valid
        assert train.xyz[table].any() == (name == "house")
        assert train.xyz[train.foreground & train.valid].all(axis=-1).mean() > 0.9


@pytest.mark.parametrize("name", OTHERS)
def test_scans_without_a_part_are_counted_or_refused(parts, tmp_path, name):
    def flatten(samples):
        for sample in samples:
            xyz = read_xyz(sample.xyz).copy()
            xyz[..., 2] = np.where(xyz[..., 2] > 0, np.float32(0.45), np.float32(0.0))
            write_xyz(sample.xyz, xyz)

    options = preset(name, image_size=PREPARE_PRESETS[name].get("image_size", 256))
    train = [sample for sample in parts if sample.split == "train"]
    test = [sample for sample in parts if sample.split == "test"]
    flatten([train[0], test[0]])
    summary = prepare_category(parts, options, tmp_path / "a.h5", "{}", 1)
    assert list(summary.empty_parts) == [train[0].identity, test[0].identity]
    assert any("2 scans" in warning for warning in summary.warnings)
    with open_prepared(tmp_path / "a.h5") as prepared:
        empty = prepared.split("train").depth[0]
        assert (empty == (-1.0 if options.normalise == "category" else 0.0)).all()
    flatten(train[1:3])
    with pytest.raises(UserError, match=f"preparation {name} finds no part in 75% of") as error:
        prepare_category(parts, options, tmp_path / "b.h5", "{}", 1)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "b.h5").exists()


@pytest.mark.parametrize("name", PREPARE_PRESETS)
def test_a_border_without_points_and_a_part_that_covers_everything(scan_of, name):
    scan = scan_of(12.0 * disc())
    missing = np.ones((SIZE, SIZE), np.bool_)
    missing[16:-16, 16:-16] = False
    scan.xyz[missing] = 0.0
    image = prepare_scan(scan, preset(name), CONSTANTS)
    assert np.isfinite(image.depth).all()
    everything = scan_of(np.zeros((SIZE, SIZE)))
    far = replace(CONSTANTS, plane=(0.0, 0.0, -1.0, 5.0))
    everything.xyz[:6] = everything.xyz[-6:] = 0.0
    covered = prepare_scan(everything, preset(name, mode="part"), far)
    assert np.isfinite(covered.depth).all()
    if name in ("crd", "crd_normals", "ast"):
        assert covered.foreground[8:-8].all()


@pytest.mark.parametrize("name", PREPARE_PRESETS)
def test_a_scan_without_depth_is_prepared(name):
    scan = Scan(np.full((50, 60, 3), 9, np.uint8), np.zeros((50, 60, 3), np.float32))
    image = prepare_scan(scan, preset(name), CONSTANTS)
    assert not image.valid.any()
    assert not image.foreground.any()
    assert np.unique(image.depth).size == 1
    kept = image.rgb[place((50, 60), SIZE, preset(name).resize, preset(name).pad_multiple).inside]
    assert (kept == 9).all()
