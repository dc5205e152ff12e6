"""A modality that is not to be trusted: judged as if it were absent, and told on one scale."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.errors import UserError
from dcrdf.judging.prediction import Prediction
from dcrdf.judging.usual_scans import UsualScans
from dcrdf.judging.verdict import Verdict
from dcrdf.scans.readings import readings_of
from dcrdf.scoring.replacing import Rescaling, replaced_ones
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.split import gather
from dcrdf.tensors.scans import Scans

CPU = torch.device("cpu")
COUNT, SIDE = 8, 12
GENERATOR = np.random.default_rng(3)


class FromThePixels:
    """A detector whose maps are the images themselves, so that what it is shown is what it says."""

    orientations = (0,)
    options = MemoryBankOptions()
    silences_background = frozenset()

    def for_inference(self):
        return self

    def to(self, _device):
        return self

    def maps(self, batch):
        return Maps(own={name: 1.0 + x.mean(dim=1) for name, x in batch.images.items()})


def scans_of(grey, height):
    """Scans with these values (N, S, S): grey levels from 0 to 1, normalised heights."""
    everywhere = np.ones(height.shape, bool)
    rgb = np.round(255.0 * grey).astype(np.uint8)[..., None].repeat(3, axis=-1)
    return Scans(
        inside=everywhere, rgb=rgb, height=height.astype(np.float32), valid=everywhere,
        outline=everywhere, on_part=everywhere,
    )  # fmt: skip


def drawn(count=COUNT):
    grey, height = GENERATOR.uniform(0.2, 0.5, (2, count, SIDE, SIDE))
    return grey, height


GOOD = drawn()


def calibrated(fusion="zscore_sum", *, replaces=True):
    """A scorer that replaces, and its thresholds."""
    good = scans_of(*GOOD)
    options = InferOptions(fusion=fusion, blur_sigma_px=0.0, batch_size=3, replace_unusual=replaces)
    usual = UsualScans.of(readings_of(good))
    scorer, predictions = Scorer.calibrate(FromThePixels(), options, good, CPU, usual)
    scored = gather(predictions)
    limits = {
        name: {
            "threshold": float(np.sort(values)[-2]),
            "map_median": float(np.median(scored.maps[name])),
        }
        for name, values in scored.scores.items()
    }
    scorer.replace_unusual(limits)
    return scorer, limits


def changed(grey=lambda x: x, height=lambda x: x):
    """Good scans of which the third one's modalities are changed."""
    shown = drawn()
    for images, change in zip(shown, (grey, height), strict=True):
        images[2] = change(images[2])
    return scans_of(*shown)


BAD = {
    "rgb": {"grey": lambda x: x + 0.45},
    "depth": {"height": lambda x: x + 0.9},
}


@pytest.mark.parametrize("fusion", ["zscore_sum", "peak_trust", "rgb", "avg"])
@pytest.mark.parametrize("bad", ["rgb", "depth"])
def test_it_is_judged_as_if_it_were_absent_and_the_others_as_ever(bad, fusion):
    scorer, limits = calibrated(fusion)
    plain, _ = calibrated(fusion, replaces=False)
    left = "depth" if bad == "rgb" else "rgb"
    shown = changed(**BAD[bad])
    found, as_given = scorer.score(shown), plain.score(shown)
    assert [bool(x) for x in found.replaced] == [at == 2 for at in range(COUNT)]
    assert not any(as_given.replaced)
    others = np.arange(COUNT) != 2
    for kind in ("maps", "scores"):
        for name, values in getattr(found, kind).items():
            before = getattr(as_given, kind)[name]
            keep = others if name == "fused" else slice(None)
            assert np.array_equal(values[keep], before[keep])
    # By hand: the map of what is left, from its scale to that of both.
    (raw,) = plain.raw_maps(shown[2:3].without(bad)).own.values()
    rise = {name: x["threshold"] - x["map_median"] for name, x in limits.items()}
    above = (raw[0].numpy() - limits[left]["threshold"]) / rise[left]
    expected = above * rise["fused"] + limits["fused"]["threshold"]
    np.testing.assert_allclose(found.maps["fused"][2], expected, rtol=1e-5, atol=1e-5)
    assert found.scores["fused"][2] == pytest.approx(expected.max(), rel=1e-5)
    alone = plain.score(shown[2:3].without(bad)).scores["fused"][0]
    is_defective = found.scores["fused"][2] > limits["fused"]["threshold"]
    assert is_defective == (alone > limits[left]["threshold"])


def test_the_remark_says_what_was_replaced_and_what_is_lost():
    scorer, _ = calibrated()
    (text,) = (x for x in scorer.score(changed(**BAD["depth"])).replaced if x)
    assert text.startswith("judged without depth: its depth is as a whole ")
    assert text.endswith("colour answers, defects that only depth shows are missed")
    verdict = Verdict(1.0, 2.0, np.zeros((2, 2)), 0.0, {}, {"depth": 3.0}, replaced=text)
    assert verdict.word == "good"
    assert verdict.remark == f"{text}; look at light, sensor and part"


def test_what_readings_call_dead_is_replaced_and_judged_by_the_rest():
    scorer, _ = calibrated()
    plain, _ = calibrated(replaces=False)
    shown = changed(grey=lambda x: 0.0 * x)
    assert plain.score(shown).not_judged[2].startswith("its colour image is too dark")
    found = scorer.score(shown)
    assert found.not_judged == [""] * COUNT
    assert found.replaced[2].startswith("judged without colour: its colour image is too dark")
    assert found.readings["brightness"][2] == readings_of(shown)["brightness"][2]


def test_where_neither_can_be_trusted_nothing_is_replaced():
    scorer, _ = calibrated()
    plain, _ = calibrated(replaces=False)
    shown = changed(grey=lambda x: 0.0 * x, height=lambda x: 0.0 * x)
    found, as_given = scorer.score(shown), plain.score(shown)
    assert found.not_judged == as_given.not_judged
    assert found.not_judged[2]
    assert not any(found.replaced)
    both_louder = changed(grey=lambda x: x + 0.35, height=lambda x: x + 0.35)
    found = scorer.score(both_louder)
    assert min(x[2] for x in found.unusual.values()) > 1.25
    assert not any(found.replaced)


def test_scans_without_a_modality_are_scored_as_ever():
    scorer, _ = calibrated()
    plain, _ = calibrated(replaces=False)
    shown = changed(**BAD["depth"]).without("rgb")
    found, as_given = scorer.score(shown), plain.score(shown)
    assert np.array_equal(found.maps["fused"], as_given.maps["fused"])
    assert not any(found.replaced)


@pytest.mark.parametrize(("factor", "is_replaced"), [(1.249, False), (1.25, True)])
def test_the_factor_from_which_it_is_replaced(factor, is_replaced):
    (found,) = replaced_ones({"rgb": np.array([factor]), "depth": np.ones(1)}, [{}])
    assert set(found) == ({"rgb"} if is_replaced else set())
    both = {"rgb": np.array([factor]), "depth": np.array([factor])}
    assert replaced_ones(both, [{}]) == [{}]
    nearly = {"rgb": np.array([factor]), "depth": np.array([1.2])}
    assert replaced_ones(nearly, [{}]) == [{}]  # most of it is shared
    (more,) = replaced_ones({"rgb": np.array([2.0]), "depth": np.array([1.3])}, [{}])
    assert list(more) == ["rgb"]
    assert "1.54 times" in more["rgb"]
    dead = {"depth": "dead"}
    assert replaced_ones(both, [dead]) == [{} if is_replaced else dead]


numbers = st.floats(-1e3, 1e3)


@given(numbers, st.floats(0.01, 1e3), numbers, st.floats(0.01, 1e3), st.floats(-1e3, 1e3))
def test_a_scale_keeps_sides_of_the_threshold_and_what_is_usual(low, rise, other, other_rise, at):
    own = {"threshold": low + rise, "map_median": low}
    both = {"threshold": other + other_rise, "map_median": other}
    told = Rescaling.between(own, both)
    values = np.array([own["threshold"], low, at])
    found = told(values)
    assert found[0] == both["threshold"]
    assert found[1] == pytest.approx(other, rel=1e-6, abs=1e-6 * (1.0 + abs(other) + other_rise))
    assume(abs(at - own["threshold"]) > 1e-6)
    assert (found[2] > both["threshold"]) == (at > own["threshold"])
    assert told(values.astype(np.float32)).dtype == np.float32


def test_thresholds_that_are_not_above_what_is_usual_are_refused():
    scorer, limits = calibrated()
    limits["depth"] = {"threshold": 1.0, "map_median": 1.0}
    with pytest.raises(UserError, match="infer.replace_unusual: a threshold is not above"):
        scorer.replace_unusual(limits)


def test_rows_answered_by_another_prediction():
    maps = {"fused": np.zeros((3, 1, 1), np.float32), "rgb": np.ones((3, 1, 1), np.float32)}
    scores = {"fused": np.zeros(3), "rgb": np.ones(3)}
    plain = Prediction(maps, scores, {}, ["a", "b", "c"], {}, ["", "", ""])
    other = replace(
        plain,
        maps={"fused": np.full((2, 1, 1), 2.0, np.float32)},
        scores={"fused": np.array([3.0, 4.0])},
        not_judged=["", "no"],
    )
    found = plain.answered_by(other, np.array([0, 2]), lambda x: 10 * x, ["one", "two"])
    assert found.maps["fused"].ravel().tolist() == [20.0, 0.0, 20.0]
    assert found.scores["fused"].tolist() == [30.0, 0.0, 40.0]
    assert found.maps["rgb"] is maps["rgb"]
    assert (found.not_judged, found.replaced) == (["", "b", "no"], ["one", "", "two"])
    assert maps["fused"].max() == scores["fused"].max() == 0.0
