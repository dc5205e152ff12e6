"""The table of `predict`: whole or named unfinished, and never two calls' in one."""

import csv
from pathlib import Path

import numpy as np
import pytest

from dcrdf.cli.score_table import ScoreTable, earlier
from dcrdf.errors import UserError
from dcrdf.judging.verdict import Verdict


def rows_of(path):
    return list(csv.DictReader(path.open(encoding="utf-8")))


def add(table, name, verdict="good"):
    reason = "a, remark" if verdict == "not judged" else ""
    doubt = "" if reason else "a, remark"
    found = Verdict(1.25, 2.0, np.zeros((1, 1), np.float32), 0.0, {}, {}, reason, doubt)
    table.add(Path(f"{name}.png"), found)


def test_every_heat_map_is_named_before_it_is_written(tmp_path):
    table = ScoreTable(tmp_path)
    table.add_unusable(Path("a.png"), "damaged")
    assert not list(tmp_path.iterdir())
    add(table, "b")
    add(table, "c", "not judged")
    (unfinished,) = tmp_path.iterdir()
    assert unfinished.name == "scores.csv.unfinished"
    assert [row["image"] for row in rows_of(unfinished)] == ["a.png", "b.png", "c.png"]
    assert (table.scored, table.not_judged) == (2, 1)
    with table.finished():
        pass
    (path,) = tmp_path.iterdir()
    assert path.name == "scores.csv"
    assert rows_of(path)[1] == {
        "image": "b.png", "score": "1.25", "threshold": "2", "verdict": "good",
        "remark": "judged anyway: a, remark", "threshold_from": "fitted",
    }  # fmt: skip
    assert rows_of(path)[0]["verdict"] == "not judged"


def test_what_was_scored_is_kept_when_a_call_fails(tmp_path):
    table = ScoreTable(tmp_path)

    def fail():
        with table.finished():
            add(table, "a")
            raise UserError("disk full")

    with pytest.raises(UserError, match="disk full"):
        fail()
    assert [row["image"] for row in rows_of(tmp_path / "scores.csv")] == ["a.png"]


def test_a_call_that_scores_nothing_leaves_nothing(tmp_path):
    table = ScoreTable(tmp_path)
    with table.finished():
        table.add_unusable(Path("a.png"), "damaged")
    assert not list(tmp_path.iterdir())


def test_a_killed_call_is_not_mixed_with_the_next(tmp_path):
    add(ScoreTable(tmp_path), "a")  # and then killed
    with pytest.raises(UserError, match=r"scores\.csv\.unfinished: of a call that was broken off"):
        earlier(tmp_path, overwrite=False)
    replaced = earlier(tmp_path, overwrite=True)
    names = [path.name for path in replaced]
    assert names == ["scores.csv.unfinished", "gallery.html", "a_heat.png"]


def test_both_tables_heat_maps_go(tmp_path):
    done = ScoreTable(tmp_path)
    with done.finished():
        add(done, "a")
    add(ScoreTable(tmp_path), "b")
    with pytest.raises(UserError, match=r"scores\.csv: of an earlier call"):
        earlier(tmp_path, overwrite=False)
    names = {path.name for path in earlier(tmp_path, overwrite=True)}
    tables = {"scores.csv", "scores.csv.unfinished"}
    assert names == tables | {"gallery.html", "a_heat.png", "b_heat.png"}
    assert earlier(tmp_path / "none", overwrite=False) == []
