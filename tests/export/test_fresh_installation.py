"""The wheel with the extra `runtime` in an environment of its own (downloads some 200 MB)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def done(*command, **more):
    environment = {k: x for k, x in os.environ.items() if k != "PYTHONPATH"}
    run = subprocess.run(
        [str(x) for x in command], capture_output=True, text=True, check=False, env=environment,
        **more,
    )  # fmt: skip
    return run.returncode, run.stdout, run.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The `bin` of an environment with the wheel and `runtime`."""
    folder = tmp_path_factory.mktemp("fresh")
    built = done(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder,
                 ROOT)  # fmt: skip
    assert built[0] == 0, built
    (wheel,) = folder.glob("*.whl")
    assert done(sys.executable, "-m", "venv", folder / "venv")[0] == 0
    python = folder / "venv/bin/python"
    made = done(python, "-m", "pip", "install", "--quiet", f"{wheel}[runtime]")
    assert made[0] == 0, made
    return python.parent


def test_an_exported_model_judges_where_torch_was_never_installed(installed, best, tmp_path):
    packages = done(installed / "python", "-m", "pip", "list", "--format", "freeze")[1]
    assert "onnxruntime==" in packages
    assert "torch" not in packages
    files = sorted((best / "scans/a/test/spot/rgb").glob("*.png"))
    out = tmp_path / "out"
    found = done(installed / "dcrdf", "predict", best / "exported", *files, "--out", out,
                 cwd=tmp_path)  # fmt: skip
    assert found[0] == 0, found
    assert len((out / "scores.csv").read_text().splitlines()) == 1 + len(files)
    script = done(installed / "python", best / "exported/score.py", cwd=tmp_path)
    assert script == (0, "self-test: as exported\n", "")
    trained = done(installed / "dcrdf", "predict", best / "job", files[0], "--out", out / "more",
                   cwd=tmp_path)  # fmt: skip
    assert trained[0] == 2
    assert "pip install 'dcrdf[train]'" in trained[2]
