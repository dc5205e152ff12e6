"""The page as a file: its own script alone, nothing from outside, hostile names as text."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.files.hdf5 import fixed_texts
from dcrdf.report.explore.page import MODULES, script
from dcrdf.report.page import build_report


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text,
                                re.S)[1])  # fmt: skip


@pytest.fixture(scope="module")
def text(two_runs):
    context = two_runs.context()
    build_report(context)
    return context.category_page("nut").read_text(encoding="utf-8")


def test_only_its_own_script_may_run(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    own = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert len(own) == 1
    digest = base64.b64encode(hashlib.sha256(own[0].encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{digest}'"
    )
    assert re.search(r"\son\w+=", text.replace(own[0], "")) is None


def test_nothing_is_loaded(text):
    addresses = set(re.findall(r"https?://[^\s\"'`]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a language
    assert re.findall(r'href="([^"]*)"', text)[0] == "data:,"
    assert all(link.startswith(("#", "data:,", "../report.html"))
               for link in re.findall(r'href="([^"]*)"', text))  # fmt: skip


def test_all_modules_are_in_the_script_and_markup_is_never_made_of_text():
    for word in ("innerHTML", "eval(", "document.write", "insertAdjacentHTML", "fetch("):
        assert word not in script()
    from importlib.resources import files

    folder = files("dcrdf.report.explore") / "js"
    assert {path.name for path in folder.iterdir()} == {f"{name}.js" for name in MODULES}
    assert "</" not in script()


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_script_is_one(tmp_path):
    path = tmp_path / "script.js"
    path.write_text(script(), encoding="utf-8")
    subprocess.run(["node", "--check", str(path)], check=True)


def test_what_it_shows_is_what_was_written(text, two_runs):
    data = data_of(text)
    assert [run["name"] for run in data["runs"]] == ["full", "dual_rd"]
    assert [one["kind"] for one in data["images"]] == two_runs.defects
    full = data["runs"][0]
    assert full["threshold"] == 0.6
    assert len(full["validation"]) == 8
    assert full["model"].endswith("/model")
    assert full["maps"]["rgb"]["threshold"] == pytest.approx(0.55)
    assert full["auroc"][0] == 0.9
    assert len(data["prepared"]) == 1  # both runs saw the same pictures
    assert data["prepared"][0]["mm"] == [0.0, 9.0]
    assert all(len(data["prepared"][0][name]) == 9 for name in ("colour", "outlines"))
    assert len(data["prepared"][0]["outlines"][4]) == 1


def test_no_picture_is_in_it_twice(text):
    pictures = re.findall(r'"(UklGR[^"]+)"', text)
    assert len(pictures) == 9 * (2 + 2 * 3)  # colour and height; three maps of two runs
    colours = data_of(text)["prepared"][0]["colour"]
    assert all(text.count(colour) == 1 for colour in colours)


def test_same_inputs_same_bytes(text, two_runs):
    build_report(two_runs.context())
    assert two_runs.context().category_page("nut").read_text(encoding="utf-8") == text


def test_runs_with_preparations_of_their_own_have_pictures_of_their_own(results):
    results.add("full", "nut")
    files = results.add("other", "nut")
    results.runs[1] = files.__class__(**vars(files) | {"prepared": files.prepared / "2"})
    results.splits[str(results.runs[1].prepared)] = results.splits["nut"]
    context = results.context()
    build_report(context)
    data = data_of(context.category_page("nut").read_text(encoding="utf-8"))
    assert len(data["prepared"]) == 2
    assert [run["prepared"] for run in data["runs"]] == [0, 1]


def test_runs_on_other_images_are_refused(results):
    results.add("full", "nut")
    files = results.add("other", "nut")
    with h5py.File(files.maps, "a") as file:
        kinds = file["test/defect"][:]
        del file["test/defect"]
        file["test/defect"] = kinds[::-1]
    with pytest.raises(UserError, match=r"its images are not those of .*; run `dcrdf infer` again"):
        build_report(results.context())


def test_hostile_names_end_no_element(results):
    nasty = "</script><script>alert(1)</script><!--"
    results.defects = [kind if kind == "good" else nasty for kind in results.defects]
    files = results.add("full", "nut")
    results.splits["nut"].name[4] = nasty
    with h5py.File(files.maps, "a") as file:
        del file["test/name"]
        file["test/name"] = fixed_texts(results.splits["nut"].name)
    context = results.context(title=nasty)
    build_report(context)
    text = context.category_page("nut").read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script>") == 2
    assert "<!--" not in text
    assert data_of(text)["images"][4]["name"] == nasty


def test_readings_outside_of_the_good_range_are_there(results):
    results.add("full", "nut")
    results.splits["nut"].distance_m = np.linspace(0.3, 0.4, 9)
    context = results.context()
    build_report(context)
    data = data_of(context.category_page("nut").read_text(encoding="utf-8"))
    titles = [one["title"] for one in data["readings"]]
    assert titles == ["brightness of colour", "contrast of colour", "points not measured",
                      "distance to the camera"]  # fmt: skip
    assert data["readings"][3]["values"][0] == pytest.approx(300.0)
