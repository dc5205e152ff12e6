"""The amplifier's claim: a branch's crossmodal map shows what is wrong in the other modality."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dcrdf.config.detectors import CrdOptions
from dcrdf.config.options import PrepareOptions, SyntheticOptions, TrainOptions
from dcrdf.datasets.layouts import list_samples
from dcrdf.datasets.synthetic.generate import synthesize
from dcrdf.detectors.crd.detector import Crd
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.preparation.prepare import prepare_category
from dcrdf.preparation.store import open_prepared
from dcrdf.tensors.device import make_repeatable
from dcrdf.tensors.prepared import scans_of_split
from dcrdf.training.loop import FitContext

CPU = torch.device("cpu")
SIDE = 64


@pytest.fixture(scope="module")
def handles(tmp_path_factory):
    """Twelve good handles to learn from and four others, at 64 px."""
    folder = tmp_path_factory.mktemp("handles")
    few = SyntheticOptions(image_size=128, train=12, validation=4, test_good=1, test_per_defect=1)
    synthesize(folder, "handle", few, 1)
    samples = list_samples(folder, "mvtec3d", "handle", {})
    prepare_category(samples, PrepareOptions(image_size=SIDE), folder / "handle.h5", "{}", 1)
    with open_prepared(folder / "handle.h5") as prepared:
        return [scans_of_split(prepared.split(name)) for name in ("train", "validation")]


@pytest.fixture(scope="module")
def detector(handles, tmp_path_factory):
    """Thirty steps with the small pretrained teacher."""
    make_repeatable(0, 1, with_gradients=True)
    detector = Crd(load_teacher("efficientnet_lite0", "package"), CrdOptions())
    train = TrainOptions(epochs=10, batch_size=4, cpu_threads=1, schedule="exponential")
    context = FitContext(tmp_path_factory.mktemp("model"), 0, "", train, CPU)
    detector.fit(handles[0], None, context)
    detector.map_kind = "crossmodal"
    return detector


@pytest.mark.parametrize("planted", ["paint", "bump"])
def test_the_other_branch_shows_it_where_it_is(handles, detector, planted):
    """In paint the height is as it was, and the other way round: own maps do not move."""
    good = handles[1]
    rows, columns = np.nonzero(good.outline[0])
    y, x = int(rows.mean()), int(columns.mean())
    square = np.zeros((SIDE, SIDE), bool)
    square[y - 8 : y + 8, x - 8 : x + 8] = True
    if planted == "paint":
        left = "depth"
        shown = replace(good, rgb=np.where(square[..., None], np.uint8([40, 60, 200]), good.rgb))
    else:
        left = "rgb"
        shown = replace(good, height=good.height + np.float32(0.6) * square)
    before, after = detector.maps(good.batch(CPU)), detector.maps(shown.batch(CPU))
    assert torch.equal(after.own[left], before.own[left])
    rise = (after.crossmodal[left] - before.crossmodal[left]).numpy()
    for image in rise:
        assert image[square].mean() > 0.015
        assert image[square].mean() > 3 * image[~square].mean()
