"""The shipped comparisons: equal terms are equal, and as published is as published."""

import copy
from pathlib import Path

import pytest

from dcrdf.config.labels import AS_PUBLISHED, NOT_PUBLISHED
from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError
from dcrdf.training.order import batch_size_for, epoch_batches

WORKFLOW = Path(__file__).parents[2] / "workflow"
FILES = ("comparison", "comparison_mvtec3d", "comparison_own")
TRAINING_SCANS = {"comparison": 60, "mvtec3d": 266, "own": 70}
"""By name of the data set."""
BANKS = {"memory_bank", "resilient"}
"""They make no steps in epochs."""


def values_of(name):
    return read_yaml(WORKFLOW / f"{name}.yaml")


@pytest.fixture(params=FILES)
def plan(request):
    return Plan(parse_config(values_of(request.param)))


@pytest.fixture
def scans(plan):
    return TRAINING_SCANS[plan.config.dataset.name]


def equal_runs(plan, category):
    seed = plan.config.seeds[0]
    return {
        run: plan.chain(run, category, seed)
        for run, chosen in plan.config.runs.items()
        if chosen.terms == "equal"
    }


def optimiser_steps(resolved, scans):
    """Of all stages together; 0 for what does not train in epochs."""
    if "epochs" not in resolved.info.train_fields:
        return 0
    epochs = [resolved.train.epochs]
    if "flow_epochs" in type(resolved.options).model_fields:
        epochs.append(resolved.options.flow_epochs or resolved.train.epochs)
    size = batch_size_for(resolved.train, scans)
    return sum(len(list(epoch_batches(scans, size, 0, 0))) for _ in range(sum(epochs)))


def test_equal_runs_share_preparation_teacher_and_steps(plan, scans):
    assert plan.config.terms["equal"].equal
    for category in plan.config.dataset.categories:
        chains = equal_runs(plan, category)
        assert len(chains) >= 5
        prepared = [dict(one.prepare.options) for one in chains.values()]
        for options in prepared:  # some also keep the points
            del options["keep_xyz"]
        assert all(options == prepared[0] for options in prepared)
        assert len({one.resolved.teacher for one in chains.values()}) == 1
        steps = {run: optimiser_steps(one.resolved, scans) for run, one in chains.items()}
        assert len(set(steps.values()) - {0}) == 1, steps
        without = {
            chosen.detector for run, chosen in plan.config.runs.items() if not steps.get(run, 1)
        }
        assert without == BANKS
        for one in chains.values():
            infer = one.resolved.infer
            assert (infer.score, infer.orientations, infer.precision) == ("max", 1, "float32")
            assert not one.resolved.options.augments()


def test_three_seeds_and_known_references(plan):
    assert plan.config.seeds == (0, 1, 2)
    references = [run for run in plan.config.compare.references if run != "best"]
    assert len(references) == 2
    assert {plan.config.runs[run].terms for run in references} == {"equal"}


@pytest.mark.parametrize("name", FILES[:2])
def test_pairs_are_of_one_preset_with_and_without_equal_terms(name):
    plan = Plan(parse_config(values_of(name)))
    for own, equal in plan.config.compare.pairs:
        one, other = plan.config.runs[own], plan.config.runs[equal]
        assert equal == f"{own}_equal"
        assert (one.detector, one.preset) == (other.detector, other.preset)
        assert (one.terms == "equal", other.terms) == (False, "equal")


@pytest.mark.parametrize(("name", "trainings"), [("comparison", 11), ("comparison_mvtec3d", 9)])
def test_fusions_are_scorings_of_the_same_trainings(name, trainings):
    plan = Plan(parse_config(values_of(name)))
    job = plan.config.dataset.categories[0], 0
    chains = {run: plan.chain(run, *job) for run in plan.config.runs}
    # `best_equal` is dual_rd's, scored otherwise
    assert len({one.train.digest for one in chains.values()}) == trainings
    assert len({one.infer.digest for one in chains.values()}) == trainings + 3
    for run in ("dcrdf_net", "flow"):
        assert chains[f"{run}_zsum"].train == chains[f"{run}_equal"].train
        assert chains[f"{run}_zsum"].resolved.infer.fusion == "zscore_sum"
    assert chains["crd_equal"].resolved.infer.fusion == "zscore_sum"


def test_on_the_papers_set_runs_without_terms_are_as_published():
    labels = Plan(parse_config(values_of("comparison_mvtec3d"))).labels
    for run in ("dcrdf_net", "crd", "flow"):
        assert labels[run].startswith(AS_PUBLISHED)
    for run in ("dual_rd_equal", "memory_bank_equal", "best_equal"):
        assert labels[run] == NOT_PUBLISHED
    for run in ("dcrdf_net_equal", "crd_equal", "flow_equal"):
        assert labels[run].startswith("published but for ")


def test_what_a_cpu_can_afford_is_not_called_as_published():
    labels = Plan(parse_config(values_of("comparison"))).labels
    for run in ("dcrdf_net", "crd", "flow"):
        assert labels[run].startswith("published but for ")
        assert "train.epochs: 20" in labels[run]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("run", "section", "changed"),
    [
        ("crd", "infer", {"blur_sigma_px": 4.5}),
        ("dcrdf_net", "train", {"epochs": 21}),
        ("dual_rd", "prepare", {"image_size": 128}),
        ("memory_bank", "teacher", {"name": "resnet18", "weights": "torchvision"}),
    ],
)
def test_a_run_that_is_not_equal_is_refused_by_name(name, run, section, changed):
    values = copy.deepcopy(values_of(name))
    run = run if run in values["runs"] and name == "comparison_own" else f"{run}_equal"
    chosen = values["runs"][run]
    chosen[section] = {**chosen.get(section, {}), **changed}
    with pytest.raises(UserError, match=rf"terms\.equal: run {run}: {section}\."):
        parse_config(values)


def test_the_small_comparison_is_a_part_of_the_whole():
    values = values_of("comparison")
    over = values_of("comparison_small")
    small = copy.deepcopy(values)
    small["dataset"] |= over.pop("dataset")
    whole, part = Plan(parse_config(values)), Plan(parse_config(small | over))
    assert len(part.jobs) == 3 * len(whole.config.runs)
    assert all(whole.chains[job] == chain for job, chain in part.chains.items())
    assert part.folder == whole.folder


def test_plans_need_no_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in FILES[:2]:
        Plan(parse_config(values_of(name))).check()
