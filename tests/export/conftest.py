"""Models of tiny scans, as the commands make them, and what is exported of them."""

from pathlib import Path

import pytest
import yaml

from dcrdf.cli import main


@pytest.fixture(scope="session")
def make_job(minimal_values, make_scans):
    """Fits a run to tiny scans; FOLDER/job is the job, FOLDER/a.h5 its prepared scans."""

    def make(folder: Path, run, **sections):
        root = make_scans(folder / "scans", ("a",))
        values = minimal_values | {
            "dataset": {"name": "tiny", "root": str(root), "categories": ["a"]},
            "prepare": {"image_size": 64} | sections.pop("prepare", {}),
            "pseudo": {"variants": 1},
            "runs": {"net": run},
            **sections,
        }
        values["train"] = {"cpu_threads": 1, "epochs": 1, "batch_size": 4} | values.get("train", {})
        values["infer"] = {"cpu_threads": 1} | values.get("infer", {})
        config = folder / "own.yaml"
        config.write_text(yaml.safe_dump(values))

        def call(command, *more):
            arguments = [command, "--config", config, "--category", "a", *more]
            assert main([str(part) for part in arguments]) == 0, command

        prepared = ("--prepared", folder / "a.h5")
        call("prepare", "--root", root, "--out", folder / "a.h5")
        variants = ()
        if run["detector"] == "dcrdf_net" and run["preset"] in ("paper", "full"):
            call("pseudo", *prepared, "--out", folder / "v.h5")
            variants = ("--variants", folder / "v.h5")
        call("train", *prepared, *variants, "--out", folder / "trained")
        call("infer", "--model", folder / "trained", *prepared, "--out", folder / "job")
        return folder

    return make


@pytest.fixture(scope="session")
def export():
    """Exports FOLDER/job into FOLDER/exported; the exit status."""

    def run(folder):
        arguments = ("export", folder / "job", "--out", folder / "exported",
                     "--prepared", folder / "a.h5")  # fmt: skip
        return main([str(part) for part in arguments])

    return run


@pytest.fixture(scope="session")
def best(make_job, export, tmp_path_factory):
    """The folder of `best`, trained for two steps, with what was exported of it."""
    folder = tmp_path_factory.mktemp("best")
    run = {"detector": "dcrdf_net", "preset": "best", "options": {"augment": "dihedral"}}
    make_job(folder, run, train={"min_steps": 2})
    assert export(folder) == 0
    return folder
