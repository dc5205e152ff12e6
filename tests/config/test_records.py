"""What the shipped configurations' records say: nothing that is added to the configuration may
change them, or every user's results are made again.

Versions of stages are left out: they are bumped on purpose.
"""

from pathlib import Path

import pytest

from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.stages import digest_of_record
from dcrdf.config.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
PINNED = {
    ("config.yaml", "prepare"): "f92c8fbb",
    ("config.yaml", "pseudo"): "84d501ae",
    ("config.yaml", "train"): "4582ee9d",
    ("config.yaml", "infer"): "fb109e4f",
    ("workflow/demo.yaml", "prepare"): "444863c6",
    ("workflow/demo.yaml", "train"): "bd3fd69e",
    ("workflow/demo.yaml", "infer"): "bb8a97e8",
    ("workflow/ladder.yaml", "prepare"): "06331326",
    ("workflow/ladder.yaml", "pseudo"): "04f6bc51",
    ("workflow/ladder.yaml", "train"): "3c5a24c9",
    ("workflow/ladder.yaml", "infer"): "e80e23e1",
}


@pytest.mark.parametrize(("file", "stage"), PINNED)
def test_records_stay_as_they_are(file, stage):
    assert digest_of_options(file, stage) == PINNED[file, stage]


def digest_of_options(file, stage):
    """One digest of a stage's options in all jobs of a configuration file."""
    plan = Plan(parse_config(read_yaml(ROOT / file)))
    stages = [getattr(chain, stage) for chain in plan.chains.values()]
    return digest_of_record({"jobs": [dict(one.options) for one in stages if one is not None]})
