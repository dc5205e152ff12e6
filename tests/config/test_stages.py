"""Records go through JSON and back; what is none is refused."""

import json

import pytest

from dcrdf.config.stages import Stage
from dcrdf.errors import UserError


def test_stage_json_round_trip(plan_of, minimal):
    stage = plan_of(minimal).chain("net", "a", 0).train
    again = Stage.from_json(stage.to_json(), "train")
    assert again.digest == stage.digest
    with pytest.raises(UserError, match="infer"):
        Stage.from_json(stage.to_json(), "infer")
    with pytest.raises(UserError, match="not a stage record"):
        Stage.from_json("{", "train")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"options": "x"}, "not a stage record"),
        ({"upstream": 5}, "not a stage record"),
        ({"version": "5"}, "'5' is no version"),
        ({"options": {"a": "\ud800"}}, "not a stage record"),
    ],
)
def test_a_record_of_wrong_content_is_refused(plan_of, minimal, changes, named):
    record = plan_of(minimal).chain("net", "a", 0).train.to_dict() | changes
    with pytest.raises(UserError, match=named):
        Stage.from_json(json.dumps(record), "train")


def test_an_entry_that_a_record_lacks_is_named(plan_of, minimal):
    record = plan_of(minimal).chain("net", "a", 0).train.to_dict() | {"options": {}, "upstream": {}}
    stage = Stage.from_json(json.dumps(record), "train")
    with pytest.raises(UserError, match="--stage: the record lacks 'detector'"):
        stage.options["detector"]
    with pytest.raises(UserError, match="--stage: the record lacks 'prepare'"):
        stage.upstream["prepare"]
    assert "pseudo" not in stage.upstream
