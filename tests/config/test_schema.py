"""The schema refuses what it should, naming the key."""

import pytest

from dcrdf.config.resolve import parse_config
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
        ("dataset.layout", "pdreal", "dataset: synthetic data are laid out as mvtec3d, not as pdr"),
        ("dataset.reader", {"unit": "mm"}, "dataset.reader: layout 'mvtec3d' has no options"),
        ("dataset.reader", ["unit"], "dataset.reader"),
        ("runs", {}, "runs"),
        ("runs.prepared", {"detector": "dcrdf_net", "preset": "paper"}, "prepared"),
        ("runs.report", {"detector": "dcrdf_net", "preset": "paper"}, "report"),
        ("pseudo.quantile", [0.99, 0.9], "pseudo.quantile"),
        ("compare.references", ["net", "net"], "compare.references"),
        ("compare.pairs", [["net", "net"]], "net minus itself"),
        ("compare.pairs", [["net", "b"], ["net", "b"]], "compare.pairs"),
        ("compare.pairs", [["net"]], "compare.pairs"),
        ("compare.pairs", ["net"], "compare.pairs"),
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


def test_aliases_that_hold_themselves_are_refused(minimal):
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(UserError, match="holds too much"):
        parse_config({**minimal, "seeds": loop})


@pytest.mark.parametrize(
    ("layout", "reader", "named"),
    [
        ("eyecandies", {"light": 6}, "dataset.reader.light"),
        ("eyecandies", {"light": "4"}, "dataset.reader.light"),
        ("eyecandies", {"scale": 0.0}, "dataset.reader.scale"),
        ("eyecandies", {"cut": 1}, "dataset.reader.cut"),
        ("eyecandies", {"unit": "m"}, "'dataset.reader.unit'; allowed here: light, scale, cut"),
        ("adam3d", {"unit": "0.1mm"}, "dataset.reader.unit"),
        ("pdreal", {"unit": "cm"}, "dataset.reader.unit"),
        ("pdreal", {"light": 4}, "'dataset.reader.light'; allowed here: unit"),
        ("folder", {"light": 4}, "layout 'folder' has no options; those that have: eyecandies"),
        ("coco", {"light": 4}, "dataset.layout"),
    ],
)
def test_options_of_a_reader_depend_on_its_layout(minimal, layout, reader, named):
    minimal["dataset"] |= {"layout": layout, "reader": reader, "synthetic": None}
    with pytest.raises(UserError) as caught:
        parse_config(minimal)
    assert named in str(caught.value)
    assert str(caught.value).startswith("config: ")
