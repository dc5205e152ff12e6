"""Statistics, turning and thresholds of a scorer whose detector shows what it is given."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dcrdf.config.detectors import MemoryBankOptions
from dcrdf.config.options import InferOptions
from dcrdf.detectors.maps import Maps
from dcrdf.scoring.scorer import Scorer
from dcrdf.scoring.split import gather
from dcrdf.tensors.scans import Scans

CPU = torch.device("cpu")
SIDE, COUNT = 24, 5
SIGMA_PX = 1.5


class Mirror:
    """A detector whose maps are the red channel and the height."""

    options = MemoryBankOptions()
    silences_background = frozenset()

    def __init__(self, orientations=(0,)):
        self.orientations = orientations
        self.shown = []

    def for_inference(self):
        return self

    def to(self, _device):
        return self

    def maps(self, batch):
        self.shown += [] if batch.rgb is None else [*batch.rgb[:, 0].numpy()]
        return Maps(own={name: x[:, 0] for name, x in batch.images.items()})


def samples(seed=0, count=COUNT):
    generator = np.random.default_rng(seed)
    foreground = np.zeros((count, SIDE, SIDE), np.bool_)
    foreground[:, 4:20, 6:17] = True
    brightness = generator.uniform(50, 200, (count, 1, 1, 1))
    everywhere = np.ones((count, SIDE, SIDE), np.bool_)
    rgb = (brightness + generator.uniform(0, 55, (count, SIDE, SIDE, 3))).astype(np.uint8)
    height = (0.3 * generator.random((count, SIDE, SIDE)) + 0.5 * foreground).astype(np.float32)
    part = {"outline": foreground, "on_part": foreground}
    return Scans(inside=everywhere, rgb=rgb, height=height, valid=everywhere, **part)


def maps_of(given):
    return {
        "rgb": given.rgb[..., 0].astype(np.float64) / 255.0,
        "depth": given.height.astype(np.float64),
    }


def blurred(maps, sigma_px=SIGMA_PX):
    return np.stack([gaussian_filter(x, sigma_px, mode="mirror") for x in maps])


def statistics_by_hand(maps, foreground):
    """Means and population deviations of the maps as they are; peaks and levels after the blur."""
    smooth = blurred(maps)
    levels = [np.sort(one.ravel())[SIDE**2 // 4 - 1] for one in smooth]
    return {
        "mean": maps.mean(),
        "std": np.sqrt(((maps - maps.mean()) ** 2).mean()),
        "foreground_mean": maps[foreground].mean(),
        "foreground_std": np.sqrt(((maps[foreground] - maps[foreground].mean()) ** 2).mean()),
        "peak_mean": np.mean([one.max() for one in smooth]),
        "highest_level": max(levels),
    }


def options_of(fusion, **more):
    return InferOptions(fusion=fusion, blur_sigma_px=SIGMA_PX, batch_size=2, **more)


def test_statistics_are_those_of_unblurred_maps_and_of_blurred_peaks():
    given = samples()
    scorer, _ = Scorer.calibrate(Mirror(), options_of("zscore_sum"), given, CPU)
    found = scorer.describe()["statistics"]
    for name, maps in maps_of(given).items():
        expected = statistics_by_hand(maps, given.outline)
        assert {key: found[name][key] for key in expected} == pytest.approx(expected, rel=1e-4)


def fused_by_hand(fusion, maps, statistics):
    """The fused map of one image."""
    parts = []
    for name in ("rgb", "depth"):
        own, usual = maps[name], statistics[name]
        if fusion == "zscore_sum":
            parts.append((own - usual["mean"]) / usual["std"])
        elif fusion == "zscore_max":
            parts.append((own - usual["foreground_mean"]) / usual["foreground_std"])
        else:
            unit = usual["peak_mean"] - usual["foreground_mean"]
            excess = gaussian_filter(own, SIGMA_PX, mode="mirror") - usual["foreground_mean"]
            parts.append(np.maximum(excess, 0.0) / unit)
    if fusion == "peak_norm":
        return (parts[0] ** 3 + parts[1] ** 3) ** (1 / 3)
    joined = np.maximum(*parts) if fusion == "zscore_max" else sum(parts)
    return gaussian_filter(joined, SIGMA_PX, mode="mirror")


@pytest.mark.parametrize("fusion", ["zscore_sum", "zscore_max", "peak_norm"])
def test_new_images_are_measured_by_all_good_ones(fusion):
    given, new = samples(), samples(1, 3)
    scorer, _ = Scorer.calibrate(Mirror(), options_of(fusion), given, CPU)
    usual = {n: statistics_by_hand(x, given.outline) for n, x in maps_of(given).items()}
    prediction = scorer.score(new)
    for row in range(3):
        own = {name: x[row] for name, x in maps_of(new).items()}
        expected = fused_by_hand(fusion, own, usual)
        np.testing.assert_allclose(prediction.maps["fused"][row], expected, rtol=1e-3, atol=2e-4)
        assert prediction.scores["fused"][row] == pytest.approx(expected.max(), rel=1e-3)


@pytest.mark.parametrize(
    "fusion", ["zscore_sum", "zscore_max", "peak_norm", "peak_trust", "level_trust"]
)
def test_a_validation_image_is_not_measured_by_itself(fusion):
    """As no new image will be: scores that know themselves are no ground for a threshold."""
    given = samples()
    scorer, predictions = Scorer.calibrate(Mirror(), options_of(fusion), given, CPU)
    scored, again = gather(predictions), scorer.score(given)
    assert len(scored.scores["fused"]) == COUNT
    assert not np.isclose(scored.scores["fused"], again.scores["fused"], rtol=1e-5).any()
    for name, maps in maps_of(given).items():  # a branch's own score needs no statistics
        np.testing.assert_allclose(scored.scores[name], blurred(maps).max(axis=(1, 2)), rtol=1e-4)


@pytest.mark.parametrize("orientation", range(8))
def test_maps_are_turned_back_as_images_were_turned(orientation):
    """Alone, each orientation gives the image back; and the detector did see another one."""
    given = samples()
    detector = Mirror((orientation,))
    raw = Scorer(detector, options_of("avg", orientations=8), None, CPU).raw_maps(given).own
    for name, expected in maps_of(given).items():
        np.testing.assert_allclose(raw[name].numpy(), expected, rtol=1e-6)
    as_it_is = np.array_equal(detector.shown[0], (given.rgb[0, ..., 0] / np.float32(255)))
    assert as_it_is == (orientation == 0)


def test_the_mean_over_all_orientations_of_a_mirror_is_the_image():
    given = samples()
    detector = Mirror(range(8))
    raw = Scorer(detector, options_of("avg", orientations=8), None, CPU).raw_maps(given).own
    for name, expected in maps_of(given).items():
        np.testing.assert_allclose(raw[name].numpy(), expected, rtol=1e-5)
    assert len({x.tobytes() for x in detector.shown[::COUNT]}) == 8


def test_other_images_to_be_scored_change_no_calibration():
    given = samples()
    scorer, _ = Scorer.calibrate(Mirror(), options_of("peak_trust"), given, CPU)
    before = scorer.describe()
    hot = replace(given, rgb=255 - given.rgb, height=1e6 * given.height)
    first = scorer.score(given).scores["fused"]
    scorer.score(hot)
    assert scorer.describe() == before
    np.testing.assert_array_equal(scorer.score(given).scores["fused"], first)
