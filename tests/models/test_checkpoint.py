"""What a description may hold that nobody vouches for."""

import json

import pytest

from dcrdf.errors import UserError
from dcrdf.models.checkpoint import entries_named
from dcrdf.models.model import _checked_thresholds


@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 400, "null", '"x"'])
def test_a_threshold_that_is_no_number_is_named(tmp_path, number):
    entry = json.loads(f'{{"threshold": {number}, "map_median": 0.5, "note": ""}}')
    thresholds = dict.fromkeys(("fused", "rgb", "depth"), entry)
    named = r"detector\.json: a missing or damaged entry"
    with pytest.raises(UserError, match=named), entries_named(tmp_path):
        _checked_thresholds(thresholds)
