"""What `dcrdf train` hands to a detector."""

import numpy as np
import pytest
import yaml

from dcrdf.cli import main
from dcrdf.detectors import base
from dcrdf.preparation.store import open_prepared


class Enough(Exception):
    """The detector has been given what it would learn from."""


class Recorder:
    """A detector that keeps what it is given."""

    def __init__(self):
        self.given = None

    def fit(self, *given):
        self.given = given
        raise Enough


def test_a_variant_is_said_to_change_what_it_changes(tmp_path, make_scans, minimal, monkeypatch):
    """A third of the variants each in colour, in height and in both: a mask for one that is as it
    was would ask a branch for 0 and 1 at the same pixel."""
    root = make_scans(tmp_path / "scans", ("a",))
    minimal["dataset"] = {"name": "tiny", "root": str(root), "categories": ["a"]}
    minimal |= {
        "prepare": {"image_size": 64},
        "pseudo": {"variants": 8, "variant": "modality", "mask": "blobs", "strength": "uniform"},
        "train": {"cpu_threads": 1},
    }
    config, prepared, variants = tmp_path / "a.yaml", tmp_path / "a.h5", tmp_path / "variants.h5"
    config.write_text(yaml.safe_dump(minimal))

    def call(command, *arguments):
        common = ("--config", config, "--category", "a")
        return main([str(part) for part in (command, *common, *arguments)])

    assert call("prepare", "--root", root, "--out", prepared) == 0
    assert call("pseudo", "--prepared", prepared, "--out", variants) == 0
    recorder = Recorder()
    monkeypatch.setattr(base, "build_detector", lambda *_: recorder)
    with pytest.raises(Enough):
        call("train", "--prepared", prepared, "--variants", variants, "--out", tmp_path / "model",
             "--device", "cpu")  # fmt: skip
    _, given, _ = recorder.given
    with open_prepared(prepared) as file:
        split = file.split("train")
        rgb, depth = split.rgb[:, None], split.depth[:, None].astype(np.float16)
    of_rgb = (given.rgb != rgb).any(axis=(2, 3, 4))
    of_depth = (given.depth != depth).any(axis=(2, 3))
    np.testing.assert_array_equal(given.changes_rgb, of_rgb)
    np.testing.assert_array_equal(given.changes_depth, of_depth)
    kinds = set(zip(of_rgb.ravel().tolist(), of_depth.ravel().tolist(), strict=True))
    assert kinds == {(True, True), (True, False), (False, True)}
