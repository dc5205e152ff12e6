"""The files of result tables: contents, escaping, same bytes, nothing half-written."""

import csv
import io
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dcrdf.config.options import CompareOptions
from dcrdf.errors import UserError
from dcrdf.results.paired import JobName, pair_runs
from dcrdf.results.resamples import Resamples
from dcrdf.results.tables import write_tables

NAN = float("nan")
CELLS = {
    ("full", "nut", 0): 0.9,
    ("full", "nut", 1): 0.8,
    ("full", "bolt", 0): 0.7,
    ("full", "bolt", 1): 0.7,
    ("dual_rd", "nut", 0): 0.95,
    ("dual_rd", "nut", 1): 0.95,
    ("dual_rd", "bolt", 0): 0.6,
    ("dual_rd", "bolt", 1): 0.62,
}


@pytest.fixture
def written(tmp_path, make_rows):
    """Writes rows and returns the folder's files as text."""

    def write(rows: pd.DataFrame, *more: object) -> dict[str, str]:
        write_tables(rows, tmp_path, *more)
        return {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}

    return write


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_markdown_table_is_in_percent_with_deviation_and_best(written, make_rows):
    files = written(make_rows(CELLS), ["full", "dual_rd"], ["nut", "bolt"])
    assert table_lines(files["tables.md"]) == [
        "| run | nut | bolt | mean |",
        "| --- | ---: | ---: | ---: |",
        "| full | 85.0 ± 7.1 | **70.0** ± 0.0 | 77.5 ± 3.5 |",
        r"| dual\_rd | **95.0** ± 0.0 | 61.0 ± 1.4 | **78.0** ± 0.7 |",
    ]


def test_titles_state_metric_limit_size_mode_and_rule(written, make_rows):
    rows = make_rows({("full", "nut", 0): 0.5}, metric="aupro_05", size="native", mode="mvtec100")
    text = written(rows)["tables.md"]
    assert "## AUPRO up to 5 % false-positive rate, fused map" in text
    assert "Native size; 100 quantile thresholds" in text
    assert "ground truth as drawn" in text


def test_latex_has_booktabs_and_bold_best(written, make_rows):
    text = written(make_rows(CELLS), ["full", "dual_rd"], ["nut", "bolt"])["tables.tex"]
    assert r"\toprule" in text
    assert r"\bottomrule" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert rows[0] == r" & nut & bolt & mean \\"
    assert rows[1] == r"full & 85.0 $\pm$ 7.1 & \textbf{70.0 $\pm$ 0.0} & 77.5 $\pm$ 3.5 \\"
    assert rows[2].startswith(r"dual\_rd & \textbf{95.0 $\pm$ 0.0} & ")


def test_undefined_is_a_dash_and_its_mean_is_marked(written, make_rows):
    rows = make_rows(
        {("a", "nut", 0): 0.9, ("a", "bolt", 0): NAN, ("b", "nut", 0): 0.8, ("b", "bolt", 0): 0.7}
    )
    files = written(rows)
    assert "| a | - | **90.0** | 90.0† |" in files["tables.md"]
    assert "| b | 70.0 | 80.0 | 75.0 |" in files["tables.md"]
    assert "† some of the values" in files["tables.md"]
    assert r"90.0$^\dagger$" in files["tables.tex"]
    wide = pd.read_csv(io.StringIO(files["wide_i_auroc.csv"]))
    means = wide[wide["statistic"] == "mean"].set_index("run")
    assert means["mean_is_complete"].to_dict() == {"a": False, "b": True}
    assert pd.isna(means.at["a", "bolt"])


def test_without_undefined_values_there_is_no_footnote(written, make_rows):
    files = written(make_rows(CELLS))
    assert "†" not in files["tables.md"]
    assert "dagger" not in files["tables.tex"]


def test_ties_at_the_printed_precision_are_all_best(written, make_rows):
    cells = {("a", "nut", 0): 0.90004, ("b", "nut", 0): 0.90001, ("c", "nut", 0): 0.5}
    lines = table_lines(written(make_rows(cells))["tables.md"])
    assert [line.count("**90.0**") for line in lines[2:]] == [2, 2, 0]


def test_nothing_is_best_without_a_contest(written, make_rows):
    alone = written(make_rows({("a", "nut", 0): 0.9}))
    assert "**" not in alone["tables.md"]
    equal = written(make_rows({("a", "nut", 0): 0.9, ("b", "nut", 0): 0.9}))
    assert "**" not in equal["tables.md"]


def test_csv_has_full_precision(written, make_rows):
    third = 1 / 3
    files = written(make_rows({("a", "nut", 0): third}))
    row = next(csv.DictReader(io.StringIO(files["tidy.csv"])))
    assert float(row["value"]) == third
    wide = next(csv.DictReader(io.StringIO(files["wide_i_auroc.csv"])))
    assert float(wide["nut"]) == third
    assert wide["statistic"] == "mean"


def test_hostile_names_are_escaped(written, make_rows):
    name = "a|b_c*<i>&#$%{}~^\\ `d`\ne"
    files = written(make_rows({(name, "nut_1", 0): 0.5}))
    line = table_lines(files["tables.md"])[2]
    assert line.replace("\\|", "").count("|") == 4
    assert "<i>" not in line.replace("\\<", "")
    row = files["tables.tex"].split("\\midrule\n")[1].splitlines()[0]
    assert row.startswith(
        r"a|b\_c*<i>\&\#\$\%\{\}\textasciitilde{}\textasciicircum{}\textbackslash{} `d` e & "
    )
    assert r"nut\_1" in files["tables.tex"]
    assert next(csv.DictReader(io.StringIO(files["tidy.csv"])))["run"] == name


def test_paired_differences_are_in_every_format(written, make_rows, tmp_path):
    samples = {
        JobName(run, "nut", 0): Resamples(
            "same", {"aupro_05": value}, {"aupro_05": np.full(100, value)}
        )
        for run, value in (("new_one", 0.9), ("ref_one", 0.95))
    }
    pairing = pair_runs(samples, CompareOptions(references=("ref_one",)))
    files = written(make_rows(CELLS), [], [], pairing)
    (line,) = csv.DictReader(io.StringIO(files["paired.csv"]))
    assert (line["run"], line["reference"], line["size"]) == ("new_one", "ref_one", "native")
    assert float(line["difference"]) == pytest.approx(-0.05)
    assert r"| new\_one | 90.0 | ↓ **-5.0** [-5.0, -5.0] | 1 of 1 | 0.020 |" in files["tables.md"]
    assert (
        r"new\_one & 90.0 & $\downarrow$ -5.0 [-5.0, -5.0] & 1 of 1 & 0.020" in files["tables.tex"]
    )
    assert r"minus ref\_one" in files["tables.tex"]
    assert not set("±↑↓†") & set(files["tables.tex"])
    assert "paired.csv" not in written(make_rows(CELLS))


def test_labels_stand_in_every_format(written, make_rows):
    labels = {"full": "published but for train.epochs: 20", "dual_rd": "as published"}
    files = written(make_rows(CELLS), [], [], None, (), labels)
    for name in ("tidy.csv", "wide_i_auroc.csv"):
        lines = list(csv.DictReader(io.StringIO(files[name])))
        assert {(line["run"], line["label"]) for line in lines} == set(labels.items())
    assert "\n- full: published but for train.epochs: 20\n" in files["tables.md"]
    assert "\n- dual\\_rd: as published\n" in files["tables.md"]
    assert "\n% full: published but for train.epochs: 20\n" in files["tables.tex"]


def test_runs_without_a_label_are_not_given_one(written, make_rows):
    files = written(make_rows(CELLS))
    assert {line["label"] for line in csv.DictReader(io.StringIO(files["tidy.csv"]))} == {""}
    assert not any("ublished" in text for text in files.values())


def test_hostile_labels_are_escaped(written, make_rows):
    label = "published but for pseudo.textures: a|b\n# <i> \\input{x}"
    files = written(make_rows(CELLS), [], [], None, (), {"full": label})
    assert "a\\|b # \\<i\\>" in files["tables.md"]
    comments = [line for line in files["tables.tex"].splitlines() if line.startswith("% full")]
    assert comments == ["% full: published but for pseudo.textures: a|b # <i> \\input{x}"]
    assert next(csv.DictReader(io.StringIO(files["tidy.csv"])))["label"] in ("", label)


def test_row_order_does_not_change_a_byte(written, make_rows):
    rows = make_rows(CELLS)
    first = written(rows)
    assert first == written(rows.sample(frac=1.0, random_state=3))


def test_mixed_data_sets_are_refused(tmp_path, make_rows):
    rows = pd.concat([make_rows(CELLS), make_rows(CELLS, dataset="other")])
    with pytest.raises(UserError, match="expected one data set, got demo, other"):
        write_tables(rows, tmp_path)


def test_only_single_kinds_are_refused(tmp_path, make_rows):
    with pytest.raises(UserError, match="whole test sets"):
        write_tables(make_rows(CELLS, defect="hole"), tmp_path)


def test_tables_of_dropped_metrics_disappear(written, make_rows):
    both = pd.concat([make_rows(CELLS), make_rows(CELLS, metric="i_ap")])
    assert "wide_i_ap.csv" in written(both)
    assert "wide_i_ap.csv" not in written(make_rows(CELLS))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, make_rows):
    blocked = tmp_path / "file"
    blocked.write_text("here")
    with pytest.raises(UserError, match=str(blocked)):
        write_tables(make_rows(CELLS), blocked / "tables")
    assert blocked.read_text() == "here"


def test_nothing_is_left_beside_the_tables(written, make_rows):
    files = written(make_rows(CELLS))
    assert sorted(files) == ["tables.md", "tables.tex", "tidy.csv", "wide_i_auroc.csv"]


def test_all_branches_and_sizes_are_in_one_wide_file(written, make_rows):
    parts = [
        make_rows({("a", "nut", 0): 0.5}, metric="p_auroc", branch=branch, size=size)
        for branch, size in itertools.product(["fused", "rgb"], ["native", "network"])
    ]
    wide = pd.read_csv(io.StringIO(written(pd.concat(parts))["wide_p_auroc.csv"]))
    means = wide[wide["statistic"] == "mean"]
    assert list(zip(means["branch"], means["size"], strict=True)) == [
        ("fused", "native"),
        ("rgb", "native"),
        ("fused", "network"),
        ("rgb", "network"),
    ]


def test_intervals_stand_in_one_table(written, make_rows):
    image = make_rows({("full", "nut", 0): 0.9, ("full", "bolt", 0): 0.8}, low=0.7, high=0.95)
    pixel = {"metric": "aupro_05", "low": 0.5, "high": 0.65}
    native = make_rows({("full", "nut", 0): 0.6}, size="native", **pixel)
    network = make_rows({("full", "nut", 0): 0.61}, size="network", **pixel)
    rows = pd.concat([image, native, network], ignore_index=True)
    text = written(rows, ["full"], ["nut", "bolt"])["tables.md"]
    section = text[text.index("## Intervals, pixels at native size") :]
    assert table_lines(section) == [
        "| job | Image AUROC | AUPRO@5 % |",
        "| --- | ---: | ---: |",
        "| full, nut, seed 0 | 90.0 [70.0, 95.0] | 60.0 [50.0, 65.0] |",
        "| full, bolt, seed 0 | 80.0 [70.0, 95.0] | - |",
    ]


def test_without_intervals_no_table_tells_of_them(written, make_rows):
    assert "Intervals" not in written(make_rows(CELLS))["tables.md"]


def test_a_table_at_network_size_claims_no_rule_that_a_preparation_may_change(written, make_rows):
    """Runs of one table may differ in `prepare.resize_truth`."""
    rows = make_rows({("full", "nut", 0): 0.6}, metric="aupro_05", size="network")
    text = written(rows)["tables.md"]
    assert "as the run's preparation does it" in text
    assert "size by nearest neighbour" not in text
