import numpy as np
import pytest

from dcrdf.anomalies.cache import open_variants, write_variants
from dcrdf.anomalies.sheet import COLUMNS, GAP_PX, HEADER_PX, write_contact_sheet
from dcrdf.config.options import PrepareOptions, PseudoOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.errors import UserError
from dcrdf.files.images import read_rgb, write_xyz
from dcrdf.files.png import write_png
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared

SIZE = 64


def write_scan(folder, name, clean):
    """A scan of 0.2 x 0.2 m seen from 0.5 m; D_n stands for centimetres here."""
    rows, columns = np.mgrid[:SIZE, :SIZE] * (0.2 / SIZE) - 0.1
    height = np.where(clean.foreground, 0.01 + 0.01 * clean.depth, 0.0)
    xyz = np.stack([columns, rows, 0.5 - height], axis=-1).astype(np.float32)
    for kind in ("rgb", "xyz"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    write_png(folder / "rgb" / f"{name}.png", clean.rgb)
    write_xyz(folder / "xyz" / f"{name}.tiff", xyz)


def prepare(root, options):
    out = root / f"prepared_{options.image_size}.h5"
    prepare_category(list_samples(root, "mvtec3d", "disc"), options, out, "{}", 1)
    return out


@pytest.fixture(scope="module")
def root(tmp_path_factory, clean_of):
    """Three training scans of a disc (and one of each other split) as files."""
    folder = tmp_path_factory.mktemp("scans")
    for split, count in (("train", 3), ("validation", 1), ("test", 1)):
        for index in range(count):
            clean = clean_of(SIZE, index, "disc")
            write_scan(folder / "disc" / split / "good", f"{index:03d}", clean)
    return folder


@pytest.fixture(scope="module")
def prepared(root):
    return prepare(root, PrepareOptions(image_size=SIZE))


@pytest.fixture(scope="module")
def cache(root, prepared):
    out = root / "variants.h5"
    write_variants(prepared, PseudoOptions(variants=2), out, "{}", 1)
    return out


def test_cache_of_real_prepared_files(prepared, cache):
    with open_prepared(prepared) as clean, open_variants(cache) as variants:
        split = clean.split("train")
        assert variants.rgb.shape == (3, 2, SIZE, SIZE, 3)
        variants.require_made_from(clean)
        changed = variants.mask.sum(axis=(2, 3)) / split.foreground.sum(axis=(1, 2))[:, None]
        assert ((changed > 0.004) & (changed < 0.11)).all()
        unchanged = variants.depth == split.depth[:, None].astype(np.float16)
        assert unchanged[~variants.mask].all()
        assert not unchanged[variants.mask].all()


@pytest.mark.parametrize(("samples", "rows"), [(1, 2), (2, 4), (3, 6), (99, 6)])
def test_sheet_has_a_row_per_variant(prepared, cache, tmp_path, samples, rows):
    write_contact_sheet(prepared, cache, tmp_path / "sheet.png", samples)
    sheet = read_rgb(tmp_path / "sheet.png")
    assert sheet.shape == (
        HEADER_PX + rows * (SIZE + GAP_PX),
        len(COLUMNS) * (SIZE + GAP_PX),
        3,
    )


def test_sheet_shows_the_arrays(prepared, cache, tmp_path):
    write_contact_sheet(prepared, cache, tmp_path / "sheet.png", 3)
    sheet = read_rgb(tmp_path / "sheet.png")

    def tile(row, column):
        top, left = HEADER_PX + row * (SIZE + GAP_PX), column * (SIZE + GAP_PX)
        return sheet[top : top + SIZE, left : left + SIZE]

    with open_prepared(prepared) as clean, open_variants(cache) as variants:
        np.testing.assert_array_equal(tile(5, 0), clean.split("train").rgb[2])
        np.testing.assert_array_equal(tile(5, 1), variants.rgb[2, 1])
        np.testing.assert_array_equal(tile(5, 4)[..., 0] > 0, variants.mask[2, 1])
        differs = (tile(5, 2) != tile(5, 3)).any(axis=2)
        assert not (differs & ~variants.mask[2, 1]).any()
        assert differs.any()


def test_sheet_of_another_preparation_is_refused(root, cache, tmp_path):
    other = prepare(root, PrepareOptions(image_size=96))
    with pytest.raises(UserError, match="made from other prepared data"):
        write_contact_sheet(other, cache, tmp_path / "sheet.png", 1)
    assert not (tmp_path / "sheet.png").exists()
