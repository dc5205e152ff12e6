"""What the paper and AST say, number by number, as presets resolve to it."""

import pytest

from dcrdf.config.detectors import DETECTORS
from dcrdf.config.resolve import parse_config, resolve

SCALES = {
    "paper": (1, 2, 4),
    "ast": (1,),
    "scale_2": (2,),
    "scale_4": (4,),
    "scales_1_2": (1, 2),
    "scales_1_4": (1, 4),
    "scales_2_4": (2, 4),
    "rgb_only": (1, 2, 4),
    "depth_only": (1, 2, 4),
    "teacher_alone": (1, 2, 4),
    "late_sum": (1, 2, 4),
}
FUSIONS = {"rgb_only": "rgb", "depth_only": "depth", "late_sum": "zscore_sum"}


@pytest.fixture
def resolved(minimal, set_key):
    """A preset under a configuration whose top level has another method's rate."""

    def resolve_preset(preset):
        minimal.pop("teacher", None)
        minimal["runs"] = {"flow": {"detector": "flow_distillation", "preset": preset}}
        set_key(minimal, "train.learning_rate", 0.005)
        set_key(minimal, "train.betas", [0.5, 0.999])
        return resolve(parse_config(minimal), "flow", "a")

    return resolve_preset


@pytest.mark.parametrize("preset", SCALES)
def test_presets_are_as_published(resolved, preset):
    found = resolved(preset)
    options = found.options
    assert (options.learning_rate, options.betas) == (2e-4, (0.9, 0.999))
    assert options.weight_decay == 1e-5
    assert (options.clamp, options.coupling_kernels) == (1.9, (3, 3, 3, 5))
    assert (options.coupling_hidden, options.encoding_channels) == (64, 32)
    assert (options.student_channels, options.side_channels, options.student_blocks) == (
        1024,
        None,
        4,
    )
    assert options.scales == SCALES[preset]
    assert (options.feature_stage, options.feature_norm) == (3, "none")
    assert (options.depth_cell, options.depth_centre) == (8, "image")
    assert (options.mask, options.mask_rule) == ("foreground", "any")
    train = found.train
    assert (train.epochs, options.flow_epochs, train.batch_size) == (72, None, 8)
    assert (train.min_steps, train.schedule) == (0, "constant")
    assert (found.teacher.name, found.prepare.image_size) == ("efficientnet_b5", 768)
    infer = found.infer
    assert (infer.blur_sigma_px, infer.score, infer.orientations) == (0.0, "max", 1)
    assert infer.fusion == FUSIONS.get(preset, "joint")
    assert infer.maps == ("likelihood" if preset == "teacher_alone" else "raw")


def test_small_is_narrow_and_blurred(resolved):
    found = resolved("small")
    assert found.options == DETECTORS["flow_distillation"].options()
    assert (found.options.student_channels, found.options.learning_rate) == (256, 2e-4)
    assert (found.infer.fusion, found.infer.blur_sigma_px) == ("joint", 4.0)
