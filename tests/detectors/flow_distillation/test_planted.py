"""On embedded parts with a pretrained network: what is painted or raised is found where it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from dcrdf.config.detectors import FlowDistillationOptions
from dcrdf.config.options import InferOptions, PrepareOptions, SyntheticOptions, TrainOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.synthetic.generate import synthesize
from dcrdf.detectors.flow_distillation.detector import FlowDistillation
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared
from dcrdf.scoring.scorer import Scorer
from dcrdf.tensors.device import make_repeatable
from dcrdf.tensors.prepared import scans_of_split
from dcrdf.training.loop import FitContext

CPU = torch.device("cpu")
SIDE, CELL = 128, 16


@pytest.fixture(scope="module")
def handles(tmp_path_factory):
    """Sixteen good handles to learn from and four others, at 128 px."""
    folder = tmp_path_factory.mktemp("handles")
    few = SyntheticOptions(image_size=256, train=16, validation=4, test_good=1, test_per_defect=1)
    synthesize(folder, "handle", few, 1)
    samples = list_samples(folder, "mvtec3d", "handle", {})
    prepare_category(samples, PrepareOptions(image_size=SIDE), folder / "handle.h5", "{}", 1)
    with open_prepared(folder / "handle.h5") as prepared:
        return [scans_of_split(prepared.split(name)) for name in ("train", "validation")]


@pytest.fixture(scope="module")
def trained(handles, tmp_path_factory):
    """Eighty steps of each stage with small networks, and the log."""
    make_repeatable(0, 1, with_gradients=True)
    options = FlowDistillationOptions(student_channels=32, coupling_hidden=16, learning_rate=1e-3)
    detector = FlowDistillation(load_teacher("efficientnet_lite0", "package"), options)
    train = TrainOptions(epochs=20, batch_size=4, cpu_threads=1)
    context = FitContext(tmp_path_factory.mktemp("model"), 0, "", train, CPU)
    detector.fit(handles[0], None, context)
    options = InferOptions(fusion="joint", blur_sigma_px=0.0, cpu_threads=1)
    return Scorer.calibrate(detector, options, handles[1], CPU)[0], context.losses


def test_likelihood_rises(trained):
    rows = [row for row in trained[1] if row["stage"] == "flow"]
    for name in ("joint", "rgb", "depth"):
        assert rows[-1][f"{name}_flow"] < rows[0][f"{name}_flow"] - 0.2


@pytest.mark.parametrize(("planted", "branch"), [("paint", "rgb"), ("bump", "depth")])
def test_it_holds_the_maximum_of_its_branch_and_of_both(handles, trained, planted, branch):
    scorer, good = trained[0], handles[1]
    rows, columns = np.nonzero(good.outline[0])
    y, x = int(rows.mean()), int(columns.mean())
    square = np.zeros((SIDE, SIDE), bool)
    square[y - 16 : y + 16, x - 16 : x + 16] = True
    if planted == "paint":
        shown = replace(good, rgb=np.where(square[..., None], np.uint8([40, 60, 200]), good.rgb))
    else:
        shown = replace(good, height=good.height + np.float32(0.6) * square)
    before, after = scorer.score(good), scorer.score(shown)
    near = binary_dilation(square, iterations=CELL)  # cells that hold some of it reach so far
    for name in (branch, "fused"):
        assert (after.scores[name] > 1.2 * before.scores[name]).all()
        for image in after.maps[name]:
            assert near.flat[image.argmax()]
    left = {"rgb": "depth", "depth": "rgb"}[branch]
    assert np.array_equal(before.maps[left], after.maps[left])
