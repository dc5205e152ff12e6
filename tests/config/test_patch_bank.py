"""A bank's options: what goes together, what is refused, and records that stay as they were."""

import pytest

from dcrdf.config.detectors import DETECTORS, MemoryBankOptions
from dcrdf.config.resolve import parse_config, resolve
from dcrdf.errors import UserError

AS_BEFORE = {"stages": [2, 3], "patch_pool": 3, "bank_share": 0.1, "bank_max": 20_000}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": "k_means"}, r"options\.select.*'random', 'kmeans' or 'k_centre'"),
        ({"bank_size": 0}, r"options\.bank_size"),
        ({"bank_size": "knee"}, r"options\.bank_size"),
        ({"bank_size": 10.5}, r"options\.bank_size"),
        ({"bank_size": "elbow"}, "elbow belongs to select: kmeans"),
        ({"bank_size": "elbow", "select": "k_centre"}, "elbow belongs to select: kmeans"),
        ({"projection": 8}, "sampled_max and projection belong to select: kmeans or k_centre"),
        ({"sampled_max": 100}, "sampled_max and projection belong to"),
        ({"select": "kmeans", "sampled_max": 100}, "20000 places cannot be chosen of 100"),
        ({"select": "k_centre", "bank_size": 50_001}, "50001 places cannot be chosen of 50000"),
        ({"select": "kmeans", "projection": -1}, r"options\.projection"),
        ({"bank_precision": "bfloat16"}, r"options\.bank_precision"),
        ({"reweight": 1}, "one neighbour takes all weight; set 0, or 2 and more"),
        ({"reweight": -2}, r"options\.reweight"),
        ({"reweight": True}, r"options\.reweight"),
    ],
)
def test_what_no_bank_can_do_is_refused(options, message):
    with pytest.raises(UserError, match=message) as error:
        MemoryBankOptions.parse(options, "options")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"select": "kmeans", "bank_size": "elbow", "bank_max": 10**9},
        {"select": "kmeans", "bank_size": 64, "sampled_max": 64},
        {"select": "k_centre", "bank_max": 50, "sampled_max": 100, "projection": 8},
        {"bank_size": 10**6, "reweight": 2, "bank_precision": "float16"},
    ],
)
def test_what_a_bank_can_do(options):
    parsed = MemoryBankOptions.parse(options, "options")
    assert parsed.record() == AS_BEFORE | options
    assert MemoryBankOptions.parse(parsed.record(), "options") == parsed


def test_records_of_older_banks_stay():
    assert MemoryBankOptions().record() == AS_BEFORE


def test_patchcore_is_a_preset_of_its_own_and_not_called_published(minimal, plan_of):
    minimal["teacher"] = {}
    minimal["runs"] = {"pc": {"detector": "memory_bank", "preset": "patchcore"}}
    resolved = resolve(parse_config(minimal), "pc", "a")
    options = resolved.options
    assert (options.select, options.bank_share, options.stages) == ("k_centre", 0.1, (2, 3))
    assert (options.patch_pool, options.projection, options.reweight) == (3, 128, 9)
    assert (resolved.teacher.name, resolved.prepare.image_size) == ("wide_resnet50_2", 256)
    infer = resolved.infer
    assert (infer.fusion, infer.blur_sigma_px, infer.score) == ("zscore_sum", 4.0, "max")
    assert plan_of(minimal).labels == {"pc": "not published"}


def test_the_default_is_the_plain_bank():
    preset = DETECTORS["memory_bank"].presets["default"]
    assert preset == {"options": {}, "infer": {"fusion": "zscore_sum"}}
