"""DCRDF-Net around a tiny teacher: what learns from what, in which mode, and what is scored."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dcrdf.config.detectors import DcrdfNetOptions
from dcrdf.config.options import TrainOptions
from dcrdf.detectors.dcrdf_net.detector import DcrdfNet
from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length
from dcrdf.detectors.reverse_distillation.crossmodal_normality import CrossmodalNormality
from dcrdf.detectors.reverse_distillation.losses import anomaly_map, cosine_distances
from dcrdf.detectors.reverse_distillation.residual_normality import ResidualNormality
from dcrdf.networks.teacher import TeacherShape
from dcrdf.tensors.scans import Scans
from dcrdf.training.features import teacher_features
from dcrdf.training.loop import FitContext

CPU = torch.device("cpu")
SIDE, COUNT = 64, 6
SHAPE = TeacherShape((4, 8, 12), "basic", (1, 1, 1), signed=True)


class SmallTeacher(nn.Module):
    """Three stages at strides 4, 8, 16 with fixed random weights."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.shape = SHAPE
        self.weights = [torch.randn(c, 3, 4, 4, generator=generator) for c in SHAPE.channels]

    def forward(self, images):
        return [
            functional.conv2d(functional.avg_pool2d(images, 2**stage), weight, stride=4)
            for stage, weight in enumerate(self.weights)
        ]


def samples(seed=0):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (COUNT, 16, 16, 3), np.uint8)
    height = generator.random((COUNT, 16, 16)).astype(np.float32)
    return Scans(
        inside=np.ones((COUNT, SIDE, SIDE), np.bool_),
        rgb=coarse.repeat(4, axis=1).repeat(4, axis=2),
        height=height.repeat(4, axis=1).repeat(4, axis=2),
    )


PLAIN = {"pseudo_anomalies": False, "gfrn": "none", "gate": "none"}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A plain detector after two epochs, and the modes in which its colour student was asked."""
    torch.manual_seed(0)
    detector = DcrdfNet(SmallTeacher(), DcrdfNetOptions(**PLAIN))
    modes = []
    detector.network.rgb.student.register_forward_pre_hook(
        lambda student, _: modes.append((student.training, torch.is_grad_enabled()))
    )
    options = TrainOptions(epochs=2, batch_size=3, cpu_threads=1, learning_rate=0.01)
    context = FitContext(tmp_path_factory.mktemp("model"), 2, "", options, CPU)
    with pytest.MonkeyPatch.context() as patch:  # how well they are fitted is no matter here
        patch.setattr(usual_length, "STEPS", 20)
        patch.setattr(crossmodal_prediction, "STEPS", 20)
        detector.fit(samples(), None, context)
    return detector, modes


def test_batch_norms_learn_in_training_alone(fitted):
    """Four steps with the batch's own statistics; what comes after asks students as they are."""
    detector, modes = fitted
    assert modes[:4] == [(True, True)] * 4
    assert len(modes) > 4
    assert set(modes[4:]) == {(False, False)}
    assert not any(module.training for module in detector.network.modules())
    norms = [x for x in detector.network.modules() if isinstance(x, nn.BatchNorm2d)]
    assert {int(x.num_batches_tracked) for x in norms} == {4}


@pytest.mark.parametrize("kind", ["raw", "whitened", "relative", "crossmodal"])
def test_an_images_maps_do_not_depend_on_others_in_its_batch(fitted, kind):
    for detector in (fitted[0], fitted[0].for_inference()):
        detector.map_kind = kind
        batch = samples(1).batch(CPU)
        together, alone = detector.maps(batch).all(), detector.maps(batch.rows(slice(2, 3))).all()
        detector.map_kind = "raw"
        for name, maps in together.items():
            torch.testing.assert_close(maps[2:3], alone[name], rtol=1e-3, atol=1e-4)


def test_the_fast_path_scores_whatever_mode_it_is_made_in(fitted):
    detector, _ = fitted
    batch = samples(1).batch(CPU)
    expected = detector.maps(batch).own
    detector.network.train()
    fast = detector.for_inference()
    detector.network.eval()
    for name, maps in fast.maps(batch).own.items():
        torch.testing.assert_close(maps, expected[name], rtol=1e-3, atol=1e-4)


def test_what_is_fitted_afterwards_sees_students_and_the_other_modalitys_images(
    fitted, tmp_path, monkeypatch
):
    """The student's features of a branch, the teacher's, and the teacher's of the other branch."""
    detector, _ = fitted
    given, told = samples(), []
    for kind in (ResidualNormality, CrossmodalNormality):
        monkeypatch.setattr(kind, "fit", lambda _, good, seed: told.append((good, seed)))
    options = TrainOptions(batch_size=4, cpu_threads=1)
    detector.fit_normality(given, FitContext(tmp_path, 5, "", options, CPU))
    features = teacher_features(detector.teacher, given, CPU)
    assert [(good.count, seed) for good, seed in told] == [(COUNT, 5)] * 4
    for (good, _), name, other in zip(
        told, ("rgb", "rgb", "depth", "depth"), ("depth", "depth", "rgb", "rgb"), strict=True
    ):
        with torch.no_grad():
            student = getattr(detector.network, name).student(getattr(features, name))
            seen = list(good.batches())
        for stage in range(3):
            for expected, kind in (
                (student, "student"),
                (getattr(features, name), "teacher"),
                (getattr(features, other), "other"),
            ):
                found = torch.cat([getattr(batch, kind)[stage] for batch in seen])
                torch.testing.assert_close(found, expected[stage], rtol=1e-4, atol=1e-5)


def test_crossmodal_maps_ask_the_other_modalitys_image(fitted):
    detector, _ = fitted
    given = samples(1)
    features = teacher_features(detector.teacher, given, CPU)
    detector.map_kind = "crossmodal"
    maps = detector.maps(given.batch(CPU))
    detector.map_kind = "raw"
    with torch.no_grad():
        for name, other in (("rgb", features.depth), ("depth", features.rgb)):
            branch, shown = getattr(detector.network, name), getattr(features, name)
            student = branch.student(shown)
            expected = branch.crossmodal.map(student, shown, other, (SIDE, SIDE))
            torch.testing.assert_close(maps.crossmodal[name], expected, rtol=1e-3, atol=1e-4)
            alone = branch.normality.map(student, shown, True, (SIDE, SIDE))
            torch.testing.assert_close(maps.own[name], alone, rtol=1e-3, atol=1e-4)


def test_a_branchs_map_is_its_students_distance_from_its_own_image(fitted):
    detector, _ = fitted
    given = samples(1)
    features = teacher_features(detector.teacher, given, CPU)
    maps = detector.maps(given.batch(CPU)).own
    with torch.no_grad():
        for name in ("rgb", "depth"):
            shown = getattr(features, name)
            student = getattr(detector.network, name).student(shown)
            expected = anomaly_map(cosine_distances(student, shown), (SIDE, SIDE))
            torch.testing.assert_close(maps[name], expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(maps["rgb"], maps["depth"], atol=0.05)


def test_whitened_residuals_of_good_training_images_are_one_long(fitted):
    """In the mean of squares, of every stage of both branches: so stages can be averaged."""
    detector, _ = fitted
    given = samples()
    features = teacher_features(detector.teacher, given, CPU)
    for name in ("rgb", "depth"):
        branch = getattr(detector.network, name)
        shown = getattr(features, name)
        with torch.no_grad():
            student = branch.student(shown)
            for stage, whiten in enumerate(branch.normality.whitenings):
                own = functional.normalize(student[stage], dim=1)
                target = functional.normalize(shown[stage], dim=1)
                lengths = whiten((target - own).permute(0, 2, 3, 1))
                assert lengths.square().mean().item() == pytest.approx(1.0, rel=1e-3)
