"""A new detector is a folder, its options and one entry: nothing else is touched, and it goes
through the whole workflow, with the part's outline, the points and a fusion of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).with_name("toy")
ENTRY = 'DETECTORS: Mapping[str, DetectorInfo] = {"toy": TOY, '

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def package_with_toy(tmp_path):
    """A copy of the package with two new files and one more entry in the registry."""
    package = tmp_path / "code" / "dcrdf"
    shutil.copytree(ROOT / "dcrdf", package, ignore=shutil.ignore_patterns("__pycache__"))
    folder = package / "detectors" / "toy"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    shutil.copy(TOY / "detector.py", folder / "detector.py")
    shutil.copy(TOY / "options.py", package / "config" / "detectors" / "toy.py")
    registry = package / "config" / "detectors" / "__init__.py"
    text = registry.read_text()
    entry = ENTRY.replace('"toy": TOY, ', "")
    assert text.count(entry) == 1
    text = text.replace(entry, ENTRY)
    registry.write_text("from dcrdf.config.detectors.toy import TOY\n" + text)
    return package.parent


def test_a_detector_of_its_own_goes_through_the_whole_workflow(workflow, package_with_toy):
    workflow.environment["PYTHONPATH"] = str(package_with_toy)
    workflow.config["dataset"]["categories"] = ["a"]
    workflow.config["runs"] = {
        "toy": {"detector": "toy", "preset": "default"},
        "toy_sum": {"detector": "toy", "preset": "default", "infer": {"fusion": "zscore_sum"}},
    }
    workflow.config["robustness"] = {"degradations": ["depth_holes_30", "depth_absent"]}
    workflow.run()

    job = workflow.results / "toy" / "a" / "seed0"
    scores = {
        one["branch"]: one["value"]
        for one in json.loads((job / "metrics.json").read_text())["values"]
        if (one["metric"], one["defect"]) == ("i_auroc", "all")
    }
    assert set(scores) == {"fused", "rgb", "depth"}
    (prepared,) = (workflow.results / "prepared").glob("a-*.h5")
    with h5py.File(prepared) as file:  # the points were kept because the detector asks for them
        assert file["train/xyz"].shape == (4, 64, 64, 3)
        beside = ~file["test/foreground"][:]
    with h5py.File(job / "maps.h5") as file:
        sharp = file["test/depth"][:][beside]
    assert np.median(sharp) == 0.0  # outside the outline it says nothing
    degraded = json.loads((job / "robustness.json").read_text())["values"]
    assert {one["degradation"] for one in degraded} >= {"depth_holes_30", "depth_absent"}
    assert "toy" in (workflow.results / "tables" / "tables.md").read_text()

    code = (
        "import dcrdf, sys; from dcrdf.files.images import read_rgb, read_xyz;"
        "from pathlib import Path; model, *scan = map(Path, sys.argv[1:]);"
        "v = dcrdf.load(model).predict(read_rgb(scan[0]), read_xyz(scan[1]));"
        "print(v.score)"
    )
    scan = workflow.folder / "scans" / "a" / "test" / "spot"
    done = subprocess.run(
        [sys.executable, "-c", code, str(job / "model"),
         str(scan / "rgb" / "000.png"), str(scan / "xyz" / "000.tiff")],
        cwd=workflow.folder, env=workflow.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    with h5py.File(job / "maps.h5") as file:
        names = list(zip(file["test/defect"][:], file["test/name"][:], strict=True))
        expected = file["test/score_fused"][names.index((b"spot", b"000"))]
    assert float(done.stdout) == pytest.approx(expected, rel=1e-5)
