"""Scans that were replaced after results were made from them, whatever their times say."""

import json
import os
import shutil

import pytest
import yaml

from dcrdf.cli.common import load_plan
from dcrdf.datasets.layouts import list_samples
from dcrdf.files.hdf5 import new_hdf5, open_hdf5, read_attribute, write_attributes
from dcrdf.preparation.inputs import prepare_options
from dcrdf.preparation.prepare import prepare_category
from dcrdf.results.sources import MEMORY, made_from_other_scans

LONG_AGO_S = 10**9


@pytest.fixture
def configure(tmp_path, minimal, monkeypatch):
    """Writes a configuration of the own scans in `parts` and loads it."""
    monkeypatch.chdir(tmp_path)

    def load(**prepare):
        del minimal["dataset"]["synthetic"]
        minimal["dataset"] |= {"layout": "folder", "root": "parts", "categories": ["part"]}
        minimal["prepare"] = {"image_size": 64, **prepare}
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(minimal))
        return load_plan(tmp_path / "own.yaml")

    return load


def prepare(plan):
    """Prepare the plan's only category; returns the file."""
    ((job, chain),) = plan.chains.items()
    path = plan.prepared_path(job.category, chain.prepare.digest)
    samples = list_samples(plan.sources.root, "folder", job.category)
    options = prepare_options(chain.prepare.options)
    prepare_category(samples, options, path, chain.prepare.to_json(), 1)
    return path


def replaced_by_an_older_one(path, other):
    """As from a backup, with its times."""
    shutil.copy(other, path)
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))


def test_a_scan_that_was_replaced_is_noticed_and_one_that_was_touched_is_not(
    tmp_path, make_layout, configure
):
    make_layout(tmp_path / "parts", "folder")
    plan = configure()
    assert made_from_other_scans(plan) == []
    prepared = prepare(plan)
    assert made_from_other_scans(plan) == []
    assert (plan.folder / MEMORY).is_file()
    one, two = (tmp_path / "parts/part/good/xyz" / f"{name}.tiff" for name in ("001", "002"))
    os.utime(one)
    assert made_from_other_scans(plan) == []
    shutil.copy(one, tmp_path / "kept.tiff")
    replaced_by_an_older_one(one, two)
    assert made_from_other_scans(plan) == [prepared]
    replaced_by_an_older_one(one, tmp_path / "kept.tiff")
    assert made_from_other_scans(plan) == []


@pytest.mark.parametrize("change", ["mask", "added", "removed", "broken"])
def test_every_file_that_is_read_counts(tmp_path, make_layout, configure, change):
    make_layout(tmp_path / "parts", "folder")
    plan = configure()
    prepared = prepare(plan)
    part = tmp_path / "parts" / "part"
    (part / "good" / "notes.txt").write_text("is not read")
    assert made_from_other_scans(plan) == []
    if change == "mask":
        (mask,) = (part / "dent" / "gt").iterdir()
        (other,) = (part / "combine-S" / "gt").iterdir()
        content = other.read_bytes() + b"one more byte"
        mask.write_bytes(content)
        os.utime(mask, (LONG_AGO_S, LONG_AGO_S))
    for kind in ("rgb", "xyz"):
        path = next((part / "good" / kind).glob("001.*"))
        if change == "added":
            shutil.copy2(path, path.with_stem("900"))
        if change == "removed" or (change == "broken" and kind == "xyz"):
            path.unlink()
    assert made_from_other_scans(plan) == [prepared]


def test_the_camera_counts(tmp_path, make_layout, configure):
    make_layout(tmp_path / "parts", "folder", depth=True)
    camera = tmp_path / "parts" / "camera.json"
    plan = configure()
    assert camera in [tmp_path / path for path in plan.sources.raw_inputs("part")]
    prepared = prepare(plan)
    assert made_from_other_scans(plan) == []
    camera.write_text(json.dumps(json.loads(camera.read_text()) | {"cx": 30.0}))
    os.utime(camera, (LONG_AGO_S, LONG_AGO_S))
    assert made_from_other_scans(plan) == [prepared]


def test_scans_that_were_skipped_count_no_more(tmp_path, make_layout, configure):
    make_layout(tmp_path / "parts", "folder")
    broken = tmp_path / "parts/part/good/xyz/001.tiff"
    broken.write_bytes(b"II*\0 broken")
    plan = configure(strict=False)
    prepare(plan)
    assert made_from_other_scans(plan) == []


def test_where_prepared_data_are_gone_maps_tell(tmp_path, make_layout, configure):
    make_layout(tmp_path / "parts", "folder")
    plan = configure()
    prepared = prepare(plan)
    with open_hdf5(prepared) as file:
        digest = read_attribute(file, "input_digest")
    prepared.unlink()
    assert made_from_other_scans(plan) == []
    maps = plan.run_folder(next(iter(plan.chains))) / "maps.h5"
    maps.parent.mkdir(parents=True)
    for content, expected in ((digest, []), ("another", [maps])):
        with new_hdf5(maps) as file:
            write_attributes(file, {"input_digest": content})
        assert made_from_other_scans(plan) == expected
    maps.write_bytes(b"damaged: others say so")
    assert made_from_other_scans(plan) == []


def test_scans_that_a_step_makes_are_not_looked_at(tmp_path, make_layout, configure):
    make_layout(tmp_path / "parts", "folder")
    plan = configure()
    prepare(plan)
    plan.sources.download_marker.write_text("{}")
    (tmp_path / "parts/part/good/xyz/001.tiff").unlink()
    assert made_from_other_scans(plan) == []
