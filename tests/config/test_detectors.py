"""What detectors declare of themselves, by their options."""

import typing

import pytest

from dcrdf.config.detectors import DETECTORS, DcrdfNetOptions, MemoryBankOptions
from dcrdf.config.options import MapKind, TrainOptions
from dcrdf.config.resolve import parse_config
from dcrdf.errors import UserError

FIXED = {
    "avg",
    "max",
    "product",
    "zscore_sum",
    "zscore_max",
    "peak_norm",
    "peak_trust",
    "level_trust",
    "one_class_svm",
    "rgb",
    "depth",
}
MAPS = set(typing.get_args(MapKind))


@pytest.mark.parametrize(
    ("options", "needs", "augments"),
    [
        (DcrdfNetOptions(), {"variants"}, False),
        (DcrdfNetOptions(gate="none", augment="natural"), {"variants"}, True),
        (DcrdfNetOptions(gate="none", pseudo_anomalies=False), set(), False),
        (DcrdfNetOptions(augment="dihedral"), {"variants"}, True),
        (MemoryBankOptions(), set(), False),
    ],
)
def test_needs_and_orientations(options, needs, augments):
    assert options.needs() == needs
    assert options.augments() == augments


def test_only_a_gate_weighs_and_only_raw_maps():
    gated, plain = DcrdfNetOptions(), DcrdfNetOptions(gate="none")
    for maps in MAPS:
        asks = maps in ("crossmodal", "mapping")
        crossmodal = {"rgb_crossmodal", "depth_crossmodal"} if asks else set()
        own = {"cm_segf"} if maps == "raw" else set()
        assert gated.fusions(maps) == FIXED | crossmodal | own
        assert plain.fusions(maps) == MemoryBankOptions().fusions(maps) == FIXED | crossmodal
    assert gated.maps() == plain.maps() == {"raw", "whitened", "relative", "crossmodal"}
    assert MemoryBankOptions().maps() == {"raw"}


def test_the_gate_is_refused_for_other_maps(minimal, set_key):
    set_key(minimal, "runs.net.infer.maps", "whitened")
    with pytest.raises(UserError, match=r"infer\.fusion.*cm_segf.*infer\.maps: whitened"):
        parse_config(minimal)


def test_maps_must_be_offered(minimal, set_key):
    set_key(minimal, "runs.bank", {"detector": "memory_bank", "preset": "default"})
    set_key(minimal, "runs.bank.infer.maps", "whitened")
    with pytest.raises(UserError, match=r"infer\.maps.*whitened.*memory_bank; allowed: raw"):
        parse_config(minimal)


@pytest.mark.parametrize("info", list(DETECTORS.values()), ids=list(DETECTORS))
def test_declarations_name_what_there_is(info):
    assert info.train_fields <= set(TrainOptions.model_fields)
    assert not info.options.augmented_by or info.options.augmented_by in info.options.model_fields
    for preset, sections in info.presets.items():
        options = dict(sections.get("options", {}))
        if options.get("geometry") == "point_mae":  # whose weights are the user's to bring
            options |= {"geometry_weights": "x.pth", "geometry_sha256": "0" * 64}
        assert info.options.parse(options, preset).maps() <= MAPS
