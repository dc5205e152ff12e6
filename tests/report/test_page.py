"""The page as a whole: self-contained, escaped, accessible, repeatable, honest."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from dcrdf.config.options import CompareOptions
from dcrdf.errors import UserError
from dcrdf.files.hdf5 import fixed_texts
from dcrdf.report import page as page_module
from dcrdf.report.page import build_report
from dcrdf.results.paired import JobName, pair_runs
from dcrdf.results.resamples import Resamples
from dcrdf.results.robustness_tables import RobustnessTable
from dcrdf.results.rows import collect
from dcrdf.results.section import CaptionedRows, Section

VOID = {"meta", "img", "path", "rect", "br"}


class Page(HTMLParser):
    """Collects elements and checks that tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def built(results, **changes) -> Page:
    context = results.context(**changes)
    build_report(context)
    return Page(context.out.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(two_runs) -> Page:
    return built(two_runs)


def test_nothing_is_loaded_and_nothing_runs(page, two_runs):
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    assert all(image["src"].startswith("data:image/webp;") for image in page.all("img"))
    others = [link["href"] for link in page.all("a") if not link["href"].startswith("#")]
    assert {link.partition("#")[0] for link in others} == {"report/bolt.html", "report/nut.html"}
    assert "report/nut.html#image=dent/005&run=full" in map(unquote, others)
    assert all((two_runs.folder / link.partition("#")[0]).is_file() for link in others)
    text = (two_runs.folder / "report.html").read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    assert "@import" not in text
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy


def test_sections_are_reachable(page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    targets = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
    assert targets <= ids
    assert {"summary", "tables", "categories", "kinds", "training", "made", "notes"} <= targets


def test_every_picture_and_chart_has_words(page):
    assert len(page.all("img")) > 0
    assert all(image["alt"].strip() for image in page.all("img"))
    charts = [svg for svg in page.all("svg") if "aria-hidden" not in svg]
    assert charts
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in charts)
    assert all(head.get("scope") for head in page.all("th"))


def test_summary_and_best_run(page):
    words = page.words
    assert "Run “full”, the best of 2 runs, finds 6 of 10 (60 %) defective test images" in words
    assert "Next comes “dual_rd”, 10.0 points behind" in words
    assert words.count("best run") >= 2


@pytest.mark.parametrize("label", ["as published", "published but for train.epochs: <i>20</i>"])
def test_runs_are_called_what_they_are(two_runs, tmp_path, label):
    labels = {"full": label, "dual_rd": "not published"}
    page = built(two_runs, labels=labels, out=tmp_path / "report.html")
    assert page.words.count(label) == page.words.count("not published") == 1
    assert all("style" in tick for tick in page.all("i"))


def test_runs_without_labels_are_called_nothing(page):
    assert "published" not in page.words


def test_hostile_names_are_only_text(results):
    nasty = "<script>alert('x')</script> & \"quotes\" </style><img src=x>\n{{ 7*7 }}"
    results.defects = [kind if kind == "good" else nasty for kind in results.defects]
    files = results.add("full", "nut")
    results.splits["nut"].name[4] = nasty
    import h5py

    with h5py.File(files.maps, "a") as file:
        del file["test/name"]
        file["test/name"] = fixed_texts(results.splits["nut"].name)
    page = built(results, title=nasty, notes=[nasty], settings={(nasty, nasty): {nasty: nasty}})
    assert page.all("script") == []
    assert not any(image["src"] == "x" for image in page.all("img"))
    assert "<script>alert('x')</script>" in page.words
    assert "{{ 7*7 }}" in page.words
    assert any(image["alt"].startswith("<script>") for image in page.all("img"))


def test_images_that_are_not_judged_are_named(results):
    import h5py

    files = results.add("full", "nut")
    assert "not judged" not in built(results, out=results.folder / "before.html").words
    reason = "its colour image is too dark: <b>0</b>"
    with h5py.File(files.maps, "a") as file:
        file["test/not_judged"] = fixed_texts([reason if at in (3, 4) else "" for at in range(9)])
    page = built(results)
    in_table, beside_pictures = 2, page.words.count(reason) - 2
    assert beside_pictures >= in_table
    assert "2 of 9 test images are not judged" in page.words
    assert "finds 2 of 5 (40 %) defective test images" in page.words
    assert "wrongly rejects 0 of 4 (0 %) good ones" in page.words
    badges = [one["class"] for one in page.all("span") if "badge" in (one.get("class") or "")]
    assert badges.count("badge not-judged") == 1 + beside_pictures


def test_same_inputs_same_bytes(page, two_runs):
    first = (two_runs.folder / "report.html").read_bytes()
    built(two_runs)
    assert (two_runs.folder / "report.html").read_bytes() == first


def test_tables_show_branches_and_sizes(page):
    words = page.words
    for text in ("Image AUROC", "fused map", "RGB branch", "native size; exact", "network size"):
        assert text in words


def test_misses_and_false_alarms_are_shown_as_such(page):
    words = page.words
    assert "✕ missed" in words
    assert "! false alarm" in words
    assert "Hardest defects" in words


def test_kinds_of_defect_are_counted(page):
    words = page.words
    assert "dent 3 2 of 3 80.0 2 of 3 90.0 stain 2 1 of 2 - 1 of 2 -" in words


def test_intervals_are_shown_where_they_were_computed(results):
    files = results.add("full", "nut")
    contents = json.loads(files.metrics.read_text())
    contents["values"][0] |= {"low": 0.75, "high": 0.98}
    files.metrics.write_text(json.dumps(contents))
    assert "90.0 75.0 to 98.0" in built(results).words


def test_undefined_metrics_are_dashes_with_a_note(results):
    files = results.add("full", "nut")
    contents = json.loads(files.metrics.read_text())
    for value in contents["values"]:
        value["value"] = None
    files.metrics.write_text(json.dumps(contents))
    words = built(results).words
    assert "nan" not in words
    assert "5 values are undefined" in words


def test_skipped_images_are_told(results):
    files = results.add("full", "nut")
    contents = json.loads(files.metrics.read_text()) | {"skipped": [{"name": "007"}]}
    files.metrics.write_text(json.dumps(contents))
    assert "1 images of nut were left out" in built(results).words


def test_settings_software_and_sizes_are_listed(results):
    results.add("full", "nut")
    models = results.folder / "models"
    models.mkdir()
    (models / "weights").write_bytes(b"x" * 4200)
    words = built(
        results,
        settings={("full", "nut"): {"fusion": "cm_segf"}, ("dual_rd", "nut"): {"fusion": "avg"}},
        folders={"models": models},
        notes=["The lamp was changed half-way."],
    ).words
    assert "fusion cm_segf avg" in words
    assert f"numpy {np.__version__}" in words
    assert "models 4.2 kB" in words
    assert "The lamp was changed half-way." in words


def test_pictures_of_the_first_seed_only(results):
    results.add("full", "nut", seed=0)
    once = len(built(results).all("img"))
    results.add("full", "nut", seed=1)
    page = built(results)
    assert len(page.all("img")) == once
    assert "Over 2 trainings" in page.words


def test_a_page_of_many_runs_shows_the_best_runs_pictures_only(page, two_runs, monkeypatch):
    monkeypatch.setattr(page_module, "MAX_PANELS_WITH_PICTURES", 3)
    short = built(two_runs, out=two_runs.folder / "short.html")
    assert len(short.all("img")) == len(page.all("img")) // 2
    assert "only the best run's pictures are embedded" in short.words


def test_printed_numbers_stand_beside_ours_on_the_papers_data_set(results):
    files = results.add("full", "nut")
    contents = json.loads(files.metrics.read_text()) | {"dataset": "mvtec3d"}
    files.metrics.write_text(json.dumps(contents))
    page = built(results)
    assert "Printed numbers beside ours" in page.words
    assert "ours one score per image" in page.words
    assert "10.3390/s26020412" in page.words


def test_other_data_sets_have_no_printed_numbers(page):
    assert "Printed numbers" not in page.words


def test_runs_stand_against_their_references(results):
    results.add("full", "nut")
    samples = {
        JobName(run, "nut", seed): Resamples(
            "same", {"i_auroc": value + 0.01 * seed}, {"i_auroc": np.full(100, value)}
        )
        for run, value in (("full", 0.9), ("plain", 0.8))
        for seed in (0, 1)
    }
    page = built(results, pairing=pair_runs(samples, CompareOptions(references=("plain",))))
    assert {"href": "#paired"} in page.all("a")
    assert "minus plain" in page.words
    assert (
        "full 90.5 ± 0.7 ↑ +10.0 [+10.0, +10.0] ± 0.0, 2 of 2 0.020 plain 80.5 ± 0.7" in page.words
    )


def test_pairs_of_runs_stand_on_the_page(results):
    results.add("full", "nut")
    samples = {
        JobName(run, "nut", 0): Resamples(
            "same", {"i_auroc": value}, {"i_auroc": np.full(100, value)}
        )
        for run, value in (("full", 0.9), ("plain", 0.8))
    }
    page = built(results, pairing=pair_runs(samples, CompareOptions(pairs=(("full", "plain"),))))
    assert {"href": "#paired"} in page.all("a")
    assert "full minus plain 90.0 80.0 ↑ +10.0 [+10.0, +10.0] 1 of 1 0.020" in page.words


def test_a_comparison_opens_the_page(results):
    results.add("full", "nut")
    table = CaptionedRows("Who", ("reference", "above it"), [["plain", "full +1.0"]], is_text=True)
    page = built(results, answer=Section("answer", "In short", "A note", [table], pd.DataFrame()))
    assert page.words.index("reference above it plain full +1.0") < page.words.index(
        "defective test images"
    )
    assert {"href": "#answer"} in page.all("a")


def test_without_references_there_is_no_such_section(page):
    assert {"href": "#paired"} not in page.all("a")


def test_good_images_only(results):
    results.defects = ["good"] * 4
    results.add("full", "nut")
    assert "finds 0 of 0 defective" in built(results).words


def test_maps_of_other_images_are_refused(results):
    files = results.add("full", "nut")
    results.splits["nut"].name[0] = "other"
    with pytest.raises(UserError) as refused:
        build_report(results.context())
    assert str(refused.value).startswith(f"{files.maps}: its images are not those of nut")
    assert not (results.folder / "report.html").exists()


def test_no_runs_are_refused(results, tmp_path):
    rows = collect([results.add("full", "nut").metrics])
    with pytest.raises(UserError, match="no runs given"):
        build_report(dataclasses.replace(results.context(rows=rows), runs=[]))


def test_a_failed_report_leaves_the_old_page(results):
    results.add("full", "nut").maps.unlink()
    old = results.folder / "report.html"
    old.write_text("old")
    with pytest.raises(UserError):
        build_report(results.context())
    assert old.read_text() == "old"


def test_a_detector_without_epochs_has_no_training_section(results):
    files = results.add("bank", "nut")
    results.runs = [dataclasses.replace(files, losses=None)]
    page = built(results)
    assert "training" not in {a.get("id") for _, a in page.elements}


def test_contrast_of_text_is_readable_in_both_themes():
    css = (page_module._environment().loader.get_source(None, "style.css"))[0]
    for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for ink, ground in [
            ("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"),
            ("accent", "paper"), ("accent", "accent-soft"), ("ok-ink", "ok-bg"),
            ("warn-ink", "warn-bg"), ("alarm-ink", "alarm-bg"),
        ]:  # fmt: skip
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for style in range(8):
            assert contrast(colours[f"s{style}"], colours["card"]) >= 3.0, style


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_degraded_scans_stand_on_the_page_where_there_are_any(two_runs, tmp_path):
    row = ["depth_<absent>", *["70.0 / 70.0 / -"] * 4, "0.50", "0 of 0"]
    table = RobustnessTable("full", "", "full (avg), mean of 2 categories, seed 0", [row])
    page = built(two_runs, robustness=[table], out=tmp_path / "with.html")
    assert "full (avg), mean of 2 categories" in page.words
    assert "depth_<absent> 70.0 / 70.0 / -" in page.words
    assert "Degraded" not in built(two_runs, out=tmp_path / "without.html").words


def test_further_sections_stand_on_the_page(results):
    results.add("full", "nut")
    table = CaptionedRows("By run", ("run", "a", "b"), [["full", "3", "<1"]])
    page = built(results, sections=[Section("costs", "Cost", "A note", [table], pd.DataFrame())])
    assert {"href": "#costs"} in page.all("a")
    assert "A note. By run run a b full 3 <1" in page.words
