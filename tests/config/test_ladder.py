"""The ladder: every row is one line, and seven trainings serve all rows."""

from collections import defaultdict
from pathlib import Path

import pytest

from dcrdf.config.detectors import DETECTORS, LADDER
from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.yaml_file import read_yaml

WORKFLOW = Path(__file__).parents[2] / "workflow"
FILES = ["ladder.yaml", "ladder_mvtec3d.yaml"]
SAME_TRAINING = [
    {
        "baseline",
        "dual_rd",
        "whitened",
        "peak_norm",
        "whitened_peak_norm",
        "relative_peak_norm",
        "relative_peak_trust",
        "crossmodal_peak_trust",
    },
    {"perlin"},
    {"gfrn"},
    {"perlin_gfrn_avg", "perlin_gfrn_max", "perlin_gfrn_zscore_sum", "rgb_only", "depth_only"},
    {"full"},
    {"more_steps"},
    {"best"},
]
OWN = {"whitened", "peak_norm", "whitened_peak_norm", "relative_peak_norm", "relative_peak_trust",
       "crossmodal_peak_trust", "more_steps", "best"}  # fmt: skip
"""Rows beyond the paper; all but the last two are other scorings of dual_rd's networks."""


@pytest.fixture(scope="module", params=FILES)
def plan(request):
    return Plan(parse_config(read_yaml(WORKFLOW / request.param)))


def test_every_row_is_a_run_of_one_line(plan):
    assert set(plan.config.runs) == set(LADDER) | OWN
    for name in LADDER:
        run = plan.config.runs[name]
        assert run.model_dump(exclude_defaults=True) == {"detector": "dcrdf_net", "preset": name}


def test_seven_trainings_per_category_and_seed_serve_all_rows(plan):
    categories, seeds = plan.config.dataset.categories, plan.config.seeds
    assert len(seeds) == 3
    for category in categories:
        for seed in seeds:
            rows = defaultdict(set)
            for run in plan.config.runs:
                rows[plan.chain(run, category, seed).train.digest].add(run)
            assert sorted(map(sorted, rows.values())) == sorted(map(sorted, SAME_TRAINING))
    models = {plan.model_folder(job) for job in plan.jobs}
    assert len(models) == len(SAME_TRAINING) * len(categories) * len(seeds)
    assert sum(name == "pseudo" for name, _ in plan.stages) == len(categories)


def test_no_two_rows_are_scored_alike(plan):
    job = plan.config.dataset.categories[0], plan.config.seeds[0]
    digests = {plan.chain(run, *job).infer.digest for run in plan.config.runs}
    assert len(digests) == len(LADDER) + len(OWN)


def test_the_complete_row_is_the_papers_method():
    presets = DETECTORS["dcrdf_net"].presets
    assert presets["full"] == presets["paper"]
