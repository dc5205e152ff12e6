"""The journal: on disk line by line, whole after a kill, put aside when full."""

import csv
import json

import pytest

from dcrdf.errors import UserError
from dcrdf.watch.journal import Journal, Rotation


def line(name, day="2026-12-01", score=0.1 + 0.2):
    return {
        "image": f"new/{name}", "name": name, "verdict": "good", "remark": "a, b", "score": score,
        "threshold": 2.0, "files": {}, "at": f"{day}T10:00:00.000+01:00", "latency_ms": 7,
    }  # fmt: skip


def filled(folder, names, rotation=None):
    journal = Journal(folder, rotation or Rotation())
    for name in names:
        journal.append(line(name))
    return journal


def names_in(folder):
    return [one["name"] for one in Journal(folder).lines()]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_lines_come_back_as_they_were(tmp_path):
    filled(tmp_path, ["a.png", "b.png"])
    assert list(Journal(tmp_path).lines()) == [line("a.png"), line("b.png")]
    rows = rows_of(tmp_path / "scores.csv")
    assert rows[0] == {
        "image": "new/a.png", "score": "0.3", "threshold": "2", "verdict": "good",
        "remark": "a, b", "threshold_from": "", "at": line("a")["at"], "latency_ms": "7",
    }  # fmt: skip
    assert [row["image"] for row in rows] == ["new/a.png", "new/b.png"]


def test_wherever_a_kill_cuts_the_last_line_the_others_stay(tmp_path):
    filled(tmp_path, ["a.png", "b.png"])
    path = tmp_path / "scores.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in (first, first + 1, (first + len(whole)) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert names_in(tmp_path) == ["a.png"]
        assert path.read_bytes() == whole[:first]
        assert [row["image"] for row in rows_of(tmp_path / "scores.csv")] == ["new/a.png"]
    path.write_bytes(whole[:5])
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("tail", [b"\0" * 40, b"\0\0\0\n", b"[1]\n", b'{"name": "c"}\n'])
def test_what_a_power_cut_leaves_at_the_end_goes(tmp_path, tail):
    journal = filled(tmp_path, ["a.png"])
    with (tmp_path / "scores.jsonl").open("ab") as file:
        file.write(tail)
    journal = Journal(tmp_path)
    journal.append(line("b.png"))
    assert names_in(tmp_path) == ["a.png", "b.png"]


def test_damage_elsewhere_is_named(tmp_path):
    filled(tmp_path, ["a.png", "b.png"])
    path = tmp_path / "scores.jsonl"
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(UserError, match=r"scores\.jsonl: line 1 is damaged"):
        Journal(tmp_path)


def test_a_row_that_a_kill_left_out_is_made_up(tmp_path):
    filled(tmp_path, ["a.png"])
    with (tmp_path / "scores.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line("b.png")) + "\n")
    Journal(tmp_path)
    assert [row["image"] for row in rows_of(tmp_path / "scores.csv")] == ["new/a.png", "new/b.png"]


def test_a_full_journal_is_put_aside_with_its_table(tmp_path):
    filled(tmp_path, [f"{number}.png" for number in range(12)], Rotation(max_bytes=100))
    found = sorted(path.name for path in tmp_path.glob("scores.2026-12-01.*"))
    assert len(found) >= 20
    assert "scores.2026-12-01.10.jsonl" in found
    assert "scores.2026-12-01.10.csv" in found
    assert names_in(tmp_path) == [f"{number}.png" for number in range(12)]
    (tmp_path / "scores.2026-12-01.1.csv").unlink()  # a kill between the two
    Journal(tmp_path)
    assert rows_of(tmp_path / "scores.2026-12-01.1.csv")[0]["image"] == "new/0.png"


def test_a_new_day_has_a_new_journal(tmp_path):
    journal = filled(tmp_path, ["a.png", "b.png"], Rotation(daily=True))
    journal.append(line("c.png", "2026-12-02"))
    restarted = Journal(tmp_path, Rotation(daily=True))
    restarted.append(line("d.png", "2026-12-02"))
    restarted.append(line("e.png", "2026-12-03"))
    assert [row["image"] for row in rows_of(tmp_path / "scores.2026-12-01.1.csv")] == [
        "new/a.png", "new/b.png",
    ]  # fmt: skip
    assert [row["image"] for row in rows_of(tmp_path / "scores.2026-12-02.1.csv")] == [
        "new/c.png", "new/d.png",
    ]  # fmt: skip
    assert names_in(tmp_path) == ["a.png", "b.png", "c.png", "d.png", "e.png"]


def test_a_table_of_predict_is_not_replaced(tmp_path):
    (tmp_path / "scores.csv").write_text("image\n")
    with pytest.raises(UserError, match=r"scores\.csv: of `dcrdf predict`"):
        Journal(tmp_path)
