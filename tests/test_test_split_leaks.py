"""Test images decide nothing: whatever they hold, constants, models, statistics, thresholds and
choices stay as they are, bit for bit. Every step runs as the command runs it.

Steps that have no business with test images are watched: they must not read one. `infer` reads
them all, so it runs twice, the second time on test images that have nothing in common with the
first but their number.
"""

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import h5py
import numpy as np
import pytest
import yaml

from dcrdf.cli import main
from dcrdf.config.detectors import DETECTORS, DcrdfNetOptions
from dcrdf.detectors.maps import Maps
from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length
from dcrdf.files.images import read_rgb, read_xyz, write_png, write_xyz
from dcrdf.files.jsonfile import read_json
from dcrdf.models import checkpoint
from dcrdf.models.checkpoint import read_description

pytestmark = pytest.mark.xdist_group("leaks")

FITTED = {
    "dual_rd": ("dcrdf_net", "dual_rd"),
    "paper": ("dcrdf_net", "paper"),
    "best": ("dcrdf_net", "best"),
    "crd": ("crd", "paper"),
    "flow": ("flow_distillation", "small"),
    "bank": ("memory_bank", "default"),
    "resilient": ("resilient", "default"),
}
OWN = {"resilient": {"geometry": "height_image", "bank_size": 64, "transfer_steps": 5}}
"""Options that make it small, and read no points."""
SCORED = {
    "dual_rd.zscore_sum": ("dual_rd", {}),
    "paper.cm_segf": ("paper", {}),
    "best.level_trust": ("best", {}),
    "crd.zscore_sum": ("crd", {}),
    "flow.joint": ("flow", {}),
    "bank.zscore_sum": ("bank", {}),
    "resilient.zscore_sum": ("resilient", {}),
}
"""With the fitted networks: every detector."""
FUSIONS = ("cm_segf", "avg", "max", "product", "zscore_sum", "zscore_max", "peak_norm",
           "peak_trust", "level_trust", "one_class_svm", "rgb", "depth")  # fmt: skip
CROSSMODAL_FUSIONS = ("rgb_crossmodal", "depth_crossmodal")
STUBBED = {
    **{f"paper.stub_{fusion}": ("paper", {"fusion": fusion}) for fusion in FUSIONS},
    **{f"dual_rd.stub_{fusion}": ("dual_rd", {"maps": "crossmodal", "fusion": fusion})
       for fusion in CROSSMODAL_FUSIONS},
    **{f"dual_rd.stub_{maps}": ("dual_rd", {"maps": maps, "fusion": "peak_norm"})
       for maps in ("raw", "whitened", "relative", "crossmodal")},
    "dual_rd.stub_crossmodal_sum": ("dual_rd", {"maps": "crossmodal", "fusion": "zscore_sum"}),
    "dual_rd.stub_top_share": ("dual_rd", {"score": "top_share", "top_share": 0.01}),
    "flow.stub_likelihood": ("flow", {"maps": "likelihood", "fusion": "joint"}),
    "crd.stub_mapping": ("crd", {"maps": "mapping", "fusion": "peak_trust"}),
    "bank.stub_peak_trust": ("bank", {"fusion": "peak_trust"}),
}  # fmt: skip
"""Every fusion and every kind of maps, with images for maps in the network's place."""


class Stub:
    """Stands for a fitted detector, which takes most of the time of tiny jobs."""

    orientations = (0,)
    map_kind = "raw"
    options = DcrdfNetOptions()
    silences_background = frozenset()

    def for_inference(self):
        return self

    def to(self, _device):
        return self

    def maps(self, batch):
        own = {"rgb": batch.rgb.mean(dim=1), "depth": batch.surface[:, 0].abs()}
        joint = dict.fromkeys(("cm_segf", "joint"), 0.3 * own["rgb"] + 0.7 * own["depth"])
        asked = self.map_kind in ("crossmodal", "mapping")
        return Maps(own=own, joint=joint, crossmodal={k: x**2 for k, x in own.items() if asked})


class World:
    """A tiny data set, its prepared file, one fitted model for each variety, and all commands."""

    def __init__(self, folder, make_scans, minimal):
        self.folder = folder
        self.root = make_scans(folder / "scans", ("a",))
        values = copy.deepcopy(minimal)
        values["dataset"] = {"name": "tiny", "root": str(self.root), "categories": ["a"]}
        values |= {
            "prepare": {"preset": "house", "image_size": 64},
            "pseudo": {"variants": 2},
            "train": {"epochs": 3, "batch_size": 2, "cpu_threads": 1, "min_steps": 0},
            "runs": {
                name: {"detector": FITTED[base][0], "preset": FITTED[base][1],
                       "options": OWN.get(base, {}), "infer": {"cpu_threads": 1, **infer}}
                for name, (base, infer) in (SCORED | STUBBED).items()
            },
        }  # fmt: skip
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(values))
        self.prepared, self.variants = folder / "a.h5", folder / "variants.h5"
        self.read = {}
        with watched() as self.read["prepare"]:
            self.call("prepare", "--root", self.root, "--out", self.prepared)
        with watched() as self.read["pseudo"]:
            self.call("pseudo", "--run", "paper.cm_segf", "--prepared", self.prepared,
                      "--out", self.variants)  # fmt: skip

    def call(self, command, *arguments):
        common = ("--config", self.config, "--category", "a")
        assert main([str(part) for part in (command, *common, *arguments)]) == 0

    def model(self, run):
        """The fitted model of a run, fitted once for all runs that share it."""
        base = (SCORED | STUBBED)[run][0]
        folder = self.folder / base
        if base not in self.read:
            variants = ("--variants", self.variants) if base == "paper" else ()
            with watched() as self.read[base], few_steps_afterwards():
                self.call("train", "--run", run, "--prepared", self.prepared, *variants,
                          "--out", folder, "--device", "cpu")  # fmt: skip
        return folder

    def infer(self, run, prepared):
        out = self.folder / "jobs" / f"{run}.{prepared.stem}"
        if not out.exists():
            model = self.model(run)
            with stubbed() if run in STUBBED else nullcontext():
                self.call("infer", "--run", run, "--model", model, "--prepared", prepared,
                          "--out", out, "--device", "cpu")  # fmt: skip
        return out

    def changed(self, split):
        """A copy of the prepared file in which one split's images are others."""
        path = self.folder / f"other-{split}.h5"
        if not path.exists():
            shutil.copy(self.prepared, path)
            with h5py.File(path, "r+") as file:
                poison(file[split])
        return path


@contextmanager
def watched() -> Iterator[set[str]]:
    """The groups of HDF5 files whose values are read meanwhile."""
    seen: set[str] = set()

    def noting(method):
        def read(dataset, *arguments, **names):
            seen.add(dataset.name.split("/")[1])
            return method(dataset, *arguments, **names)

        return read

    with pytest.MonkeyPatch.context() as patch:
        for name in ("__getitem__", "__array__", "read_direct"):
            patch.setattr(h5py.Dataset, name, noting(getattr(h5py.Dataset, name)))
        yield seen


@contextmanager
def stubbed():
    """Models are loaded with a stub for their detector."""

    def load(folder):
        return Stub(), read_description(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "load_detector", load)
        yield


@contextmanager
def few_steps_afterwards():
    """How well good images are known is no matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usual_length, "STEPS", 5)
        patch.setattr(crossmodal_prediction, "STEPS", 5)
        yield


def poison(group):
    """Other pictures, huge heights, other labels, masks and parts; as many images."""
    generator = np.random.default_rng(1)
    rgb, depth = group["rgb"][:], group["depth"][:]
    group["rgb"][...] = generator.integers(0, 256, rgb.shape, np.uint8)
    group["depth"][...] = (50.0 * generator.standard_normal(depth.shape)).astype(depth.dtype)
    for name in ("valid", "foreground", "gt"):
        group[name][...] = ~group[name][:]
    group["label"][...] = 1 - group["label"][:]


@pytest.fixture(scope="module")
def world(tmp_path_factory, make_scans, minimal_values):
    return World(tmp_path_factory.mktemp("leaks"), make_scans, minimal_values)


def contents(path, splits):
    """All attributes and the datasets of some splits."""
    with h5py.File(path) as file:
        found = {f"@{name}": value for name, value in file.attrs.items()}
        for split in splits:
            found |= {
                f"{split}/{name}": x[:]
                for name, x in file[split].items()
                if isinstance(x, h5py.Dataset)
            }
        return found


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def spoil_test_scans(root):
    """Other images and heights in all test scans, good ones called defective and defective ones
    good, and one of them twice."""
    generator = np.random.default_rng(0)
    folder = root / "a" / "test"
    for path in folder.rglob("xyz/*.tiff"):
        xyz = read_xyz(path).copy()
        xyz[5:-5, 5:-5, 2] -= generator.uniform(0, 0.3, (54, 54)).astype(np.float32)
        xyz[20:40, 10:50] = np.nan
        xyz[50:60, 10:20] = 3e4
        write_xyz(path, xyz)
    for path in folder.rglob("rgb/*.png"):
        write_png(path, 255 - read_rgb(path))
    for path in folder.rglob("gt/*.png"):
        write_png(path, np.repeat(np.uint8([255, 0]), (28, 36))[None].repeat(64, axis=0))
    (folder / "good").rename(folder / "kept")
    (folder / "spot").rename(folder / "good")
    (folder / "kept").rename(folder / "spot")
    for kind in ("rgb", "xyz", "gt"):
        for path in list((folder / "spot" / kind).glob("000.*")):
            shutil.copy(path, path.with_stem("007"))


def test_other_test_scans_change_nothing_that_is_prepared_of_good_ones(world):
    root, out = world.folder / "spoilt", world.folder / "spoilt.h5"
    shutil.copytree(world.root, root)
    spoil_test_scans(root)
    world.call("prepare", "--root", root, "--out", out)
    one, other = (contents(path, ("train", "validation")) for path in (world.prepared, out))
    assert one.pop("@input_digest") != other.pop("@input_digest")
    assert one.pop("@summary") != other.pop("@summary")
    assert_same(one, other)
    tests = [contents(path, ("test",)) for path in (world.prepared, out)]
    assert len(tests[1]["test/label"]) == len(tests[0]["test/label"]) + 1


def test_pseudo_anomalies_read_training_images_alone(world):
    assert world.read["pseudo"] == {"train"}


@pytest.mark.parametrize("run", list(SCORED))
def test_a_training_reads_training_images_alone(world, run):
    world.model(run)
    base = SCORED[run][0]
    of_variants = {"rgb", "depth", "mask", "modality", "name"} if base == "paper" else set()
    assert world.read[base] == {"train"} | of_variants


def test_every_detector_and_fusion_is_here():
    assert {detector for detector, _ in FITTED.values()} == set(DETECTORS)
    assert {base for base, _ in SCORED.values()} == set(FITTED)
    offered = DcrdfNetOptions()
    assert {*FUSIONS, *CROSSMODAL_FUSIONS} == offered.fusions() | offered.fusions("crossmodal")


@pytest.mark.parametrize("run", [*SCORED, *STUBBED])
def test_other_test_images_change_no_statistic_threshold_or_model(world, run):
    one, other = (world.infer(run, path) for path in (world.prepared, world.changed("test")))
    assert read_json(one / "model" / "detector.json") == read_json(other / "model/detector.json")
    weights = [job / "model" / "weights.safetensors" for job in (one, other)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert_same(*(contents(job / "maps.h5", ("validation",)) for job in (one, other)))
    scores = [contents(job / "maps.h5", ("test",))["test/score_fused"] for job in (one, other)]
    assert (scores[0] != scores[1]).all()


@pytest.mark.parametrize(
    "run", ["paper.cm_segf", "best.level_trust", "crd.zscore_sum", "flow.joint", "bank.zscore_sum"]
)
def test_other_validation_images_do(world, run):
    """What the test above compares is not constant anyway."""
    one, other = (
        read_json(world.infer(run, path) / "model" / "detector.json")
        for path in (world.prepared, world.changed("validation"))
    )
    for branch in ("fused", "rgb", "depth"):
        pair = [x["thresholds"][branch]["threshold"] for x in (one, other)]
        assert pair[0] != pair[1]
        pair = [x["thresholds"][branch]["map_median"] for x in (one, other)]
        assert pair[0] != pair[1]
    for branch in ("rgb", "depth"):
        pair = [x["scoring"]["statistics"][branch] for x in (one, other)]
        assert all(pair[0][key] != pair[1][key] for key in pair[0])


PINNED = {
    "epoch": 2.0,
    "rgb_distillation": 2.522, "rgb_denoising": 2.151, "rgb_focal": 0.0272,
    "depth_distillation": 2.524, "depth_denoising": 3.239, "depth_focal": 0.0245,
    "fused_focal": 0.0251, "total": 10.51,
    "fused": 0.479, "rgb": 0.441, "depth": 0.520,
}  # fmt: skip


def test_the_papers_chain_gives_the_numbers_it_gave(world):
    """From raw scans to maps, with pseudo-anomalies, refinement, students and gate: what a change
    of preparation, twins, objective or optimiser moves. Another number of threads moves focal
    losses by 0.6 %."""
    head, *rows = (world.model("paper.cm_segf") / "losses.csv").read_text().splitlines()
    found = dict(zip(head.split(","), map(float, rows[-1].split(",")), strict=True))
    maps = contents(world.infer("paper.cm_segf", world.prepared) / "maps.h5", ("test",))
    found |= {name: float(maps[f"test/{name}"].mean()) for name in ("fused", "rgb", "depth")}
    assert found == pytest.approx(PINNED, rel=0.02)
