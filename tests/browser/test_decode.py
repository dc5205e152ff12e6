"""What the page packs comes out of it again."""

import json

import numpy as np
import pytest

from dcrdf.report.explore.packing import pack_heights, pack_maps

pytestmark = pytest.mark.browser


def decoded(scripts, prepared, maps, call):
    data = {"prepared": [prepared], "runs": [{"prepared": 0, "maps": maps}]}
    page = scripts("decode", before=f"const data = {json.dumps(data)};")
    found = page.evaluate(f"async () => {{ const x = await {call};"
                          " return [x.width, x.height, [...x.values]]; }")  # fmt: skip
    return np.reshape(found[2], (found[1], found[0]))


def test_maps_come_back_but_for_their_rounding(scripts):
    maps = np.random.default_rng(1).gamma(1.0, 1.0, (3, 40, 56)).astype(np.float32) - 0.5
    packed = pack_maps(maps, 64)
    back = decoded(scripts, {}, {"fused": packed.to_dict()}, 'mapOf(0, "fused", 1)')
    span = packed.high - packed.low
    step = 2 * np.sqrt((maps[1] - packed.low) / span) / 255 * span
    assert (np.abs(back - maps[1]) <= 0.51 * step + span / 255**2).all()


def test_heights_come_back_in_a_thousand_levels(scripts):
    heights = np.random.default_rng(2).random((2, 30, 50)).astype(np.float32)
    packed = pack_heights(heights)
    back = decoded(scripts, {"heights": packed.to_dict()}, {}, "heightsOf(0, 1)")
    wanted = heights[1].clip(packed.low, packed.high)
    assert np.abs(back - wanted).max() <= 0.51 * (packed.high - packed.low) / 1023
