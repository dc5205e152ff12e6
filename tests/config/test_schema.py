"""The configuration refuses what it should, naming the key, and merges in the right order."""

import pytest
import yaml

from dcrdf.config.schema import parse_config, read_yaml, resolve
from dcrdf.config.workflow import plan_of
from dcrdf.errors import UserError


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("trian", {}, "'trian'"),
        ("train.epoch", 3, "'train.epoch'"),
        ("train.epochs", "3", "train.epochs"),
        ("train.epochs", 0, "train.epochs"),
        ("train.epochs", 2.5, "train.epochs"),
        ("train.learning_rate", -1.0, "train.learning_rate"),
        ("train.betas", [0.5, 1.0], "train.betas"),
        ("train.learning_rate", "1e-3", "write 0.001 or 1.0e-3"),
        ("train.learning_rate", float("nan"), "train.learning_rate"),
        ("train.learning_rate", float("inf"), "train.learning_rate"),
        ("prepare.image_size", 100, "prepare.image_size"),
        ("prepare.depth", "metres", "prepare.depth"),
        ("teacher.name", "resnet19", "teacher.name"),
        ("dataset.layout", "coco", "dataset.layout"),
        ("dataset.categories", [], "dataset.categories"),
        ("dataset.categories", ["a", "a"], "dataset.categories"),
        ("dataset.categories", ["../a"], "dataset.categories"),
        ("dataset.name", "a/b", "dataset.name"),
        ("seeds", [], "seeds"),
        ("seeds", [-1], "seeds"),
        ("seeds", [0, 1, 0], "seeds: 0 is listed twice"),
        ("evaluate.limits", [], "evaluate.limits"),
        ("evaluate.limits", [0.3, 0.30], "evaluate.limits: 0.3 is listed twice"),
        ("evaluate.sizes", [], "evaluate.sizes"),
        ("evaluate.sizes", ["native", "native"], "evaluate.sizes"),
        ("evaluate.modes", [], "evaluate.modes"),
        ("evaluate.modes", ["exact", "exact"], "evaluate.modes"),
        ("pseudo.perlin_grids", [], "pseudo.perlin_grids"),
        ("robustness.degradations", ["depth_hole_10"], "robustness.degradations.0"),
        ("robustness.degradations", ["rgb_absent", "rgb_absent"], "robustness.degradations"),
        ("dataset.layout", "eyecandies", "dataset: synthetic data are laid out as mvtec3d"),
        ("runs", {}, "runs"),
        ("runs.net.preset", "papr", "runs.net.preset"),
        ("runs.net.detector", "dcrdf", "runs.net.detector"),
        ("runs.net.options.gfnr", "none", "runs.net.options.gfnr"),
        ("runs.net.train.epoch", 1, "runs.net.train.epoch"),
        ("runs.prepared", {"detector": "dcrdf_net", "preset": "paper"}, "prepared"),
        ("overrides.c.train.epochs", 1, "overrides.c"),
        ("overrides.a.train.epoch", 1, "overrides.a.train.epoch"),
        ("overrides.a.options.gfrn", "none", "overrides.a.options"),
        ("overrides.a.runs.other.train.epochs", 1, "overrides.a.runs.other"),
        ("overrides.a.runs.net.options.gate", 1, "overrides.a.runs.net.options.gate"),
        ("pseudo.quantile", [0.99, 0.9], "pseudo.quantile"),
        ("compare.references", ["other"], "compare.references"),
        ("compare.references", ["net", "net"], "compare.references"),
        ("compare.reference", ["net"], "compare.reference"),
        ("runs", {"report.html": {"detector": "dcrdf_net", "preset": "paper"}}, "report.html"),
        ("results", "", "results: a path is missing"),
        ("results", "~/out", "results: '~' is not expanded"),
        ("results", "a{x}b", "results: snakemake takes braces"),
        ("results", "a<x>b", "results: snakemake takes angle brackets"),
        ("results", "a\0b", "results: a path holds no control characters"),
        ("data", "a\nb", "data: a path holds no control characters"),
        ("dataset.root", "~", "dataset.root: '~' is not expanded"),
        ("teacher.weights", "{a}.safetensors", "teacher.weights"),
        ("pseudo.textures", "", "pseudo.textures"),
        ("pseudo.perlin_grids", [10**9, 16, 32], "pseudo.perlin_grids.0"),
        ("pseudo.guide_radius_px", 10**9, "pseudo.guide_radius_px"),
        ("pseudo.blob_cells", [3, 10**9], "pseudo.blob_cells"),
        ("pseudo.guide_eps", 1e300, "pseudo.guide_eps"),
        ("train.learning_rate", 1e300, "train.learning_rate"),
        ("train.epochs", 10**30, "train.epochs"),
        ("train.batch_size", 10**30, "train.batch_size"),
        ("prepare.normalise_min_span_mm", 1e300, "prepare.normalise_min_span_mm"),
        ("prepare.normalise_min_span_mm", 1e-300, "prepare.normalise_min_span_mm"),
        ("infer.blur_sigma_px", 1e9, "infer.blur_sigma_px"),
        ("evaluate.bootstrap", 10**12, "evaluate.bootstrap"),
        ("runs.net.options.gate_hidden", 10**15, "runs.net.options.gate_hidden"),
        ("seeds", [10**30], "seeds.0"),
        ("downloads.dataset", {"url": "http://[::1/x", "hash": "md5:" + "0" * 32}, "IPv6"),
        (
            "downloads.dataset",
            {"url": "http://a/x", "hash": "md5:" + "0" * 32, "max_unpacked_gb": 1e300},
            "downloads.dataset.max_unpacked_gb",
        ),
    ],
)
def test_bad_key_is_named(minimal, set_key, key, value, named):
    with pytest.raises(UserError) as caught:
        parse_config(set_key(minimal, key, value))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stages", [[], [2, 2], [4]])
def test_bad_stages_of_the_memory_bank_are_named(minimal, set_key, stages):
    set_key(minimal, "runs.bank", {"detector": "memory_bank", "preset": "default"})
    set_key(minimal, "runs.bank.options.stages", stages)
    with pytest.raises(UserError, match=r"runs\.bank\.options\.stages"):
        parse_config(minimal)


def test_rules_between_keys(minimal, set_key):
    set_key(minimal, "runs.net.options.pseudo_anomalies", False)
    with pytest.raises(UserError, match="needs pseudo_anomalies"):
        parse_config(minimal)


def test_fusion_must_be_offered(minimal, set_key):
    set_key(minimal, "runs.bank", {"detector": "memory_bank", "preset": "default"})
    set_key(minimal, "runs.bank.infer.fusion", "cm_segf")
    with pytest.raises(UserError, match=r"cm_segf.*memory_bank"):
        parse_config(minimal)


def test_a_partial_section_need_not_be_valid_alone(minimal, set_key):
    """A run may name another teacher while the weights stand at the top level."""
    minimal["teacher"] = {"weights": "package"}
    set_key(minimal, "runs.net.teacher.name", "efficientnet_lite0")
    assert parse_config(minimal).runs["net"].teacher == {"name": "efficientnet_lite0"}


def test_merge_order(minimal, set_key):
    minimal["train"] = {"epochs": 10, "batch_size": 4}
    set_key(minimal, "runs.net.train", {"epochs": 20})
    set_key(minimal, "runs.other", {"detector": "dcrdf_net", "preset": "dual_rd"})
    set_key(minimal, "overrides.a.train", {"epochs": 30, "learning_rate": 0.001})
    set_key(minimal, "overrides.a.runs.net.train", {"epochs": 40})
    config = parse_config(minimal)
    on = {(run, category): resolve(config, run, category).train for run, category in
          [("net", "a"), ("net", "b"), ("other", "a"), ("other", "b")]}  # fmt: skip
    assert [on[key].epochs for key in on] == [40, 20, 30, 10]
    assert [on[key].learning_rate for key in on] == [0.001, 0.005, 0.001, 0.005]
    assert all(options.batch_size == 4 for options in on.values())


def test_preset_gives_way_to_explicit_options(minimal, set_key):
    minimal["runs"]["net"]["preset"] = "dual_rd"
    assert resolve(parse_config(minimal), "net", "a").infer.fusion == "zscore_sum"
    set_key(minimal, "runs.net.infer.fusion", "avg")
    assert resolve(parse_config(minimal), "net", "a").infer.fusion == "avg"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1", "not valid YAML"),
        ("- 1\n- 2", ""),
        ("a: !!python/object/apply:os.system [ls]", "not valid YAML"),
        pytest.param("[" * 100_000, "not valid YAML", id="endless nesting"),
        ("train: {}\nseeds: [1]\ntrain: {}", "not valid YAML: the key 'train' is there twice"),
        ("a: {b: 1, c: 2, b: 3}", "not valid YAML: the key 'b' is there twice"),
    ],
)
def test_bad_yaml_is_refused(tmp_path, text, reason):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"own\.yaml: {reason}"):
        read_yaml(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="nothing.yaml"):
        read_yaml(tmp_path / "nothing.yaml")


def test_yaml_lists_fill_tuples_and_ints_fill_floats(minimal):
    text = yaml.safe_dump({**minimal, "train": {"learning_rate": 1, "betas": [0, 0.9]}})
    config = parse_config(yaml.safe_load(text))
    assert resolve(config, "net", "a").train.betas == (0.0, 0.9)


def test_a_merged_key_may_be_said_anew(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: {<<: *base}")
    assert read_yaml(path)["b"] == {"x": 3, "y": 2}


@pytest.mark.parametrize("door", ["file", "workflow"])
def test_aliases_that_repeat_one_another_are_refused(minimal, tmp_path, door, capsys):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(minimal) + "\n".join(lines))
    if door == "file":
        with pytest.raises(UserError, match="holds too much; do its aliases repeat"):
            parse_config(read_yaml(path))
        return
    with pytest.raises(SystemExit):
        plan_of(yaml.safe_load(path.read_text()), [path])
    error = capsys.readouterr().err
    assert "holds too much; do its aliases repeat" in error
    assert error.count("\n") == 1


def test_aliases_that_hold_themselves_are_refused(minimal):
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(UserError, match="holds too much"):
        parse_config({**minimal, "seeds": loop})


def test_the_workflow_names_a_key_that_is_there_twice(minimal, tmp_path, capsys):
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(minimal) + "seeds: [1]\nseeds: [2]\n")
    with pytest.raises(SystemExit):
        plan_of(yaml.safe_load(path.read_text()), [str(path)])
    assert "own.yaml: not valid YAML: the key 'seeds' is there twice" in capsys.readouterr().err
