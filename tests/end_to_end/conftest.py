"""A fitted detector of small discs, as the commands make it."""

import pytest
import yaml

from dcrdf.cli import main
from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length


@pytest.fixture(autouse=True, scope="module")
def _good_images_are_soon_known():
    """They are few: hundreds of steps would be half of what these trainings take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usual_length, "STEPS", 20)
        patch.setattr(crossmodal_prediction, "STEPS", 20)
        yield


@pytest.fixture(scope="session")
def make_job(minimal_values):
    """Fits a memory bank to the scans in `root`; FOLDER/job is the job."""

    def make(folder, root):
        values = minimal_values | {
            "dataset": {"name": "tiny", "root": str(root), "categories": ["a"]},
            "prepare": {"image_size": 64},
            "train": {"cpu_threads": 1},
            "infer": {"cpu_threads": 1},
            "runs": {"bank": {"detector": "memory_bank", "preset": "default"}},
        }
        config = folder / "own.yaml"
        config.write_text(yaml.safe_dump(values))
        steps = (
            ("prepare", "--root", root, "--out", folder / "a.h5"),
            ("train", "--prepared", folder / "a.h5", "--out", folder / "trained"),
            ("infer", "--model", folder / "trained", "--prepared", folder / "a.h5",
             "--out", folder / "job"),
        )  # fmt: skip
        for command, *more in steps:
            call = [command, "--config", config, "--category", "a", *more]
            assert main([str(part) for part in call]) == 0
        return folder

    return make
