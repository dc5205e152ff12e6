import re
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from dcrdf.anomalies import cache
from dcrdf.anomalies.cache import open_variants, write_variants
from dcrdf.anomalies.draw import MODALITIES
from dcrdf.anomalies.inject import make_variant
from dcrdf.anomalies.textures import digest_of_textures
from dcrdf.config.options import PrepareOptions, PseudoOptions
from dcrdf.errors import UserError
from dcrdf.files.digests import seed_of
from dcrdf.files.hdf5 import PACKED
from dcrdf.files.png import write_png

STAGE = '{"stage":"pseudo","version":1}'
NAMES = ["000", "001", "two words"]
PREPARED = Path("prepared.h5")


@pytest.fixture(scope="module")
def cleans(clean_of):
    return [clean_of(64, index, "disc") for index in range(len(NAMES))]


def fake_prepared(cleans, mode="part"):
    split = SimpleNamespace(
        name=list(NAMES),
        rgb=np.stack([clean.rgb for clean in cleans]),
        depth=np.stack([clean.depth for clean in cleans]),
        foreground=np.stack([clean.foreground for clean in cleans]),
    )

    class Split(SimpleNamespace):
        def __len__(self):
            return len(self.name)

    return SimpleNamespace(
        category="disc",
        input_digest="abc",
        options=PrepareOptions(image_size=64),
        constants=SimpleNamespace(mode=mode),
        split=lambda name: {"train": Split(**vars(split))}[name],
    )


@pytest.fixture
def prepared(cleans, monkeypatch):
    """A stand-in for a prepared file; tests may change it before the cache is written."""
    stand_in = fake_prepared(cleans)

    @contextmanager
    def opened(path):
        assert path == PREPARED
        yield stand_in

    monkeypatch.setattr(cache, "open_prepared", opened)
    return stand_in


def write(out, options=None, processes=1):
    write_variants(PREPARED, options or PseudoOptions(variants=3), out, STAGE, processes)
    return out


def test_what_was_written_is_what_make_variant_makes(prepared, cleans, tmp_path):
    options = PseudoOptions(variants=3, variant="modality", seed=11)
    with open_variants(write(tmp_path / "v.h5", options)) as variants:
        assert variants.name == NAMES
        assert variants.category == "disc"
        assert variants.stage == {"stage": "pseudo", "version": 1}
        assert variants.options == options
        for sample, (clean, name) in enumerate(zip(cleans, NAMES, strict=True)):
            for index in range(3):
                made = make_variant(*clean, options, seed_of(11, "disc", name, index))
                np.testing.assert_array_equal(variants.rgb[sample, index], made.rgb)
                np.testing.assert_array_equal(variants.mask[sample, index], made.mask)
                np.testing.assert_array_equal(
                    variants.depth[sample, index], made.depth.astype(np.float16)
                )
                assert MODALITIES[variants.modality[sample, index]] == made.modality


def test_shapes_and_types(prepared, tmp_path):
    with open_variants(write(tmp_path / "v.h5")) as variants:
        assert variants.rgb.shape == (3, 3, 64, 64, 3)
        assert variants.rgb.dtype == np.uint8
        assert variants.depth.shape == (3, 3, 64, 64)
        assert variants.depth.dtype == np.float16
        assert variants.mask.shape == (3, 3, 64, 64)
        assert variants.mask.dtype == np.bool_
        assert variants.mask.any(axis=(2, 3)).all()
        assert variants.mask is variants.mask
    with h5py.File(tmp_path / "v.h5") as file:
        assert file["mask"].nbytes * 8 == file["depth"].size
        assert file["mask"].compression == PACKED["compression"]
        assert file["rgb"].chunks == (1, 1, 64, 64, 3)


def test_depth_outside_the_mask_is_the_rounded_clean_depth(prepared, cleans, tmp_path):
    with open_variants(write(tmp_path / "v.h5")) as variants:
        for sample, clean in enumerate(cleans):
            rounded = clean.depth.astype(np.float16)
            for index in range(3):
                outside = ~variants.mask[sample, index]
                np.testing.assert_array_equal(
                    variants.depth[sample, index][outside], rounded[outside]
                )


def test_a_sample_does_not_depend_on_its_neighbours(prepared, tmp_path):
    write(tmp_path / "all.h5")
    kept = prepared.split("train")
    alone = SimpleNamespace(**vars(kept))
    for key in ("name", "rgb", "depth", "foreground"):
        setattr(alone, key, getattr(kept, key)[1:2])
    prepared.split = lambda _: type(kept)(**vars(alone))
    write(tmp_path / "one.h5")
    with open_variants(tmp_path / "all.h5") as every, open_variants(tmp_path / "one.h5") as one:
        np.testing.assert_array_equal(every.rgb[1:2], one.rgb)
        np.testing.assert_array_equal(every.depth[1:2], one.depth)


def test_worker_processes_change_nothing(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "VARIANTS_PER_PROCESS", 1)
    write(tmp_path / "one.h5")
    write(tmp_path / "two.h5", processes=2)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    with open_variants(tmp_path / "one.h5") as one, open_variants(tmp_path / "two.h5") as two:
        for name in ("rgb", "depth", "mask", "modality"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_field_mode_ranks_without_edges(prepared, cleans, tmp_path):
    prepared.constants.mode = "field"
    with open_variants(write(tmp_path / "v.h5")) as variants:
        options = PseudoOptions(variants=3)
        made = make_variant(*cleans[0], options, seed_of(0, "disc", "000", 0), bounded=False)
        np.testing.assert_array_equal(variants.mask[0, 0], made.mask)


def test_a_sample_without_a_part_is_named(prepared, tmp_path):
    prepared.split("train").foreground[1] = False
    with pytest.raises(UserError, match=r"prepared\.h5: train/001 shows no part"):
        write(tmp_path / "v.h5")
    assert not list(tmp_path.iterdir())


def test_missing_textures_leave_nothing(prepared, tmp_path):
    out = tmp_path / "out" / "v.h5"
    with pytest.raises(UserError, match=r"pseudo\.textures"):
        write(out, PseudoOptions(textures=str(tmp_path / "absent")))
    assert not out.parent.exists()


def test_a_failure_on_the_way_leaves_the_old_file(prepared, tmp_path, monkeypatch):
    out = write(tmp_path / "v.h5")
    before = out.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_rows", fail)
    with pytest.raises(UserError, match=r"v\.h5: .*No space left"):
        write(out)
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["v.h5"]


def test_a_cache_of_other_data_is_refused(prepared, cleans, tmp_path):
    with open_variants(write(tmp_path / "v.h5")) as variants:
        variants.require_made_from(prepared)
        for change in ({"input_digest": "xyz"}, {"options": PrepareOptions(image_size=96)}):
            other = fake_prepared(cleans)
            for key, value in change.items():
                setattr(other, key, value)
            with pytest.raises(UserError, match="made from other prepared data"):
                variants.require_made_from(other)


def test_no_file(tmp_path):
    with (
        pytest.raises(UserError, match=r"absent\.h5: no such file; run pseudo first"),
        open_variants(tmp_path / "absent.h5"),
    ):
        pass


def read_all(path):
    with open_variants(path) as variants:
        return variants.rgb, variants.depth, variants.mask, variants.modality


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite_with_text(path):
    path.write_text("not HDF5")


def edit(change):
    def apply(path):
        with h5py.File(path, "r+") as file:
            change(file)

    return apply


def drop_mask(file):
    del file["mask"]


def link_elsewhere(file):
    del file["rgb"]
    file["rgb"] = h5py.ExternalLink("/etc/passwd", "/rgb")


def soft_link(file):
    del file["depth"]
    file["depth"] = h5py.SoftLink("/mask")


def wrong_type(file):
    shape = file["depth"].shape
    del file["depth"]
    file.create_dataset("depth", shape, dtype="f4", chunks=(1, 1, *shape[2:]))


def claim_without_data(file):
    shape = file["rgb"].shape
    del file["rgb"]
    file.create_dataset("rgb", shape, dtype="u1", chunks=(1, 1, *shape[2:]))


def fewer_names(file):
    del file["name"]
    file.create_dataset("name", data=np.array([b"000"]), chunks=(1,))


def broken_stage(file):
    file.attrs["stage"] = np.bytes_(b"{")


def impossible_option(file):
    options = file.attrs["options"].decode().replace('"variants":3', '"variants":0')
    file.attrs["options"] = np.bytes_(options.encode())


def no_stage(file):
    del file.attrs["stage"]


@pytest.mark.parametrize(
    "damage",
    [
        cut_in_half,
        overwrite_with_text,
        *map(
            edit,
            [
                drop_mask,
                link_elsewhere,
                soft_link,
                wrong_type,
                claim_without_data,
                fewer_names,
                broken_stage,
                no_stage,
                impossible_option,
            ],
        ),
    ],
)
def test_damage_is_named_and_never_followed(prepared, tmp_path, damage):
    path = write(tmp_path / "v.h5")
    damage(path)
    with pytest.raises(UserError, match=re.escape(str(path))) as caught:
        read_all(path)
    assert str(caught.value).count(str(path)) == 1


def test_a_flipped_byte_is_noticed(prepared, tmp_path):
    path = write(tmp_path / "v.h5")
    with h5py.File(path) as file:
        offset = file["rgb"].id.get_chunk_info(2).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 100] ^= 255
    path.write_bytes(data)
    with pytest.raises(UserError, match=re.escape(f"{path}: damaged")):
        read_all(path)


def test_a_folders_textures_are_told_of(prepared, tmp_path):
    folder = tmp_path / "textures"
    folder.mkdir()
    write_png(folder / "a.png", np.full((16, 16, 3), 90, np.uint8))
    for textures, expected in (
        (str(folder), digest_of_textures(str(folder))),
        ("procedural", None),
    ):
        options = PseudoOptions(variants=1, textures=textures)
        write_variants(PREPARED, options, tmp_path / "v.h5", STAGE, 1)
        with open_variants(tmp_path / "v.h5") as variants:
            assert variants.textures_digest == expected
