"""Reading metrics files: what is accepted, and what is refused with the file's name."""

import hashlib
import json
import math

import pytest

from dcrdf.errors import UserError
from dcrdf.results.rows import COLUMNS, collect, read_metrics


def test_rows_carry_identity_and_value(metrics_file, entry):
    kinds = [entry(0.9), entry(None, metric="aupro_05", size="native", branch="rgb", defect="hole")]
    rows = collect([metrics_file(values=kinds, category="bolt", seed=3)])
    assert tuple(rows.columns) == COLUMNS
    assert rows.loc[0, ["dataset", "run", "category", "seed", "metric", "value"]].tolist() == [
        "demo",
        "full",
        "bolt",
        3,
        "i_auroc",
        0.9,
    ]
    assert rows.loc[1, ["branch", "size", "defect"]].tolist() == ["rgb", "native", "hole"]
    assert math.isnan(rows.loc[1, "value"])


def test_intervals_are_kept(metrics_file, entry):
    rows = collect([metrics_file(values=[entry(0.9, low=0.8, high=0.95)])])
    assert rows.loc[0, ["low", "high"]].tolist() == [0.8, 0.95]


def test_files_keep_their_order(metrics_file):
    rows = collect([metrics_file("b"), metrics_file("a")])
    assert rows["run"].tolist() == ["b", "a"]


def test_digest_is_of_the_canonical_stage_record(metrics_file):
    stage = {"version": 2, "stage": "evaluate", "options": {"b": 1, "a": [0.3]}, "upstream": {}}
    text = '{"options":{"a":[0.3],"b":1},"stage":"evaluate","upstream":{},"version":2}'
    metrics = read_metrics(metrics_file(stage=stage))
    assert metrics.digest == hashlib.sha256(text.encode()).hexdigest()[:8]


def test_expected_digest_is_accepted(metrics_file):
    path = metrics_file()
    digest = read_metrics(path).digest
    assert len(collect([path], {str(path): digest})) == 1


def test_other_settings_are_refused(metrics_file):
    good, stale = metrics_file("full"), metrics_file("old")
    digest = read_metrics(good).digest
    with pytest.raises(UserError) as refused:
        collect([good, stale], {str(good): digest, str(stale): "00000000"})
    assert str(refused.value) == (f"{stale}: was made with other settings; run the workflow again")


def test_file_of_no_planned_run_is_refused(metrics_file):
    path = metrics_file()
    with pytest.raises(UserError, match="no run of this configuration"):
        collect([path], {})


@pytest.mark.parametrize("change", [{"version": 2}, {"stage": "other"}])
def test_mixed_stage_versions_are_refused(metrics_file, change):
    first = metrics_file("a")
    stage = json.loads(first.read_text())["stage"] | change
    second = metrics_file("b", stage=stage)
    with pytest.raises(UserError) as refused:
        collect([first, second])
    assert str(second) in str(refused.value)
    assert str(first) in str(refused.value)


def test_the_same_number_twice_is_refused(metrics_file, entry):
    metrics_file("a")
    path = metrics_file("b", values=[entry(0.5), entry(0.6, metric="i_ap"), entry(0.7)])
    with pytest.raises(UserError, match="i_auroc of fused.*given twice") as refused:
        collect([metrics_file("a"), path])
    assert str(refused.value).startswith(str(path))


def test_no_files_are_refused():
    with pytest.raises(UserError, match="evaluate at least one run"):
        collect([])


def test_absent_file_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere.json: No such file"):
        collect([tmp_path / "nowhere.json"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": 1.2}, "values.0.value"),
        ({"value": -0.1}, "values.0.value"),
        ({"value": "0.9"}, "values.0.value"),
        ({"low": 2}, "values.0.low"),
        ({"branch": "thermal"}, "values.0.branch"),
        ({"size": "tiny"}, "values.0.size"),
        ({"mode": "about"}, "values.0.mode"),
        ({"metric": ""}, "values.0.metric"),
    ],
)
def test_bad_values_name_file_and_field(metrics_file, entry, changes, field):
    path = metrics_file(values=[entry(0.9, **changes)])
    with pytest.raises(UserError) as refused:
        collect([path])
    assert str(refused.value).startswith(f"{path}: {field}: ")


@pytest.mark.parametrize(
    "field", ["stage", "dataset", "run", "category", "seed", "maps_sha256", "counts"]
)
def test_missing_fields_are_named(metrics_file, field):
    path = metrics_file()
    contents = json.loads(path.read_text())
    del contents[field]
    path.write_text(json.dumps(contents))
    with pytest.raises(UserError, match=f"{field}: Field required"):
        collect([path])


@pytest.mark.parametrize(
    "contents", [b"", b"{", b"[]", b"\xff\xfe", b'{"stage": NaN}', b"null", b"[" * 5000]
)
def test_other_contents_are_refused_in_one_line(tmp_path, contents):
    path = tmp_path / "metrics.json"
    path.write_bytes(contents)
    with pytest.raises(UserError) as refused:
        collect([path])
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_a_number_that_is_not_one_is_refused(metrics_file):
    path = metrics_file()
    path.write_text(path.read_text().replace('"value": 0.9', '"value": NaN'))
    with pytest.raises(UserError, match="finite number"):
        collect([path])
