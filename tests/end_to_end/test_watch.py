"""A folder is watched through the real command: every scan once, whatever is killed."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dcrdf
from dcrdf.cli import main
from dcrdf.files.images import read_rgb, read_xyz, write_png, write_xyz

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("by_hand")]
PATIENCE_S = 300


@pytest.fixture(scope="module")
def job(tmp_path_factory, make_scans, make_job):
    folder = tmp_path_factory.mktemp("job")
    return make_job(folder, make_scans(folder / "scans", ("a",)))


@pytest.fixture(scope="module")
def ready(job):
    """Twelve complete scans, good and defective."""
    folder = job / "ready"
    generator = np.random.default_rng(0)
    for number in range(12):
        source = job / "scans/a" / ("test/spot" if number % 4 == 3 else "train/good")
        rgb = read_rgb(source / "rgb/000.png").astype(int)
        rgb = np.clip(rgb + generator.integers(-1, 2, rgb.shape), 0, 255).astype(np.uint8)
        write_png(folder / "rgb" / f"{number:03d}.png", rgb)
        write_xyz(folder / "xyz" / f"{number:03d}.tiff", read_xyz(source / "xyz/000.tiff"))
    return folder


def drop(ready, into, number):
    """As a camera's software does: a file after the other, each in two halves."""
    for kind in ("rgb", "xyz"):
        (source,) = (ready / kind).glob(f"{number:03d}.*")
        (into / kind).mkdir(parents=True, exist_ok=True)
        content = source.read_bytes()
        with (into / kind / source.name).open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            time.sleep(0.05)
            file.write(content[len(content) // 2 :])


def lines_in(out):
    path = out / "scores.jsonl"
    return (
        [json.loads(text) for text in path.read_bytes().split(b"\n")[:-1] if text]
        if path.exists()
        else []
    )


def started(job, *arguments):
    call = [sys.executable, "-m", "dcrdf.cli", "watch", job / "job", *arguments]
    return subprocess.Popen(
        list(map(str, call)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(process, condition):
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end_s
        time.sleep(0.05)


def watch(job, folder, out, *more):
    call = [
        "watch",
        job / "job",
        folder,
        "--out",
        out,
        "--settle",
        "0.05",
        "--every",
        "0.05",
        *more,
    ]
    return main([str(part) for part in call])


def test_none_twice_and_none_lost_over_a_kill(job, ready, tmp_path):
    into, out = tmp_path / "in", tmp_path / "out"
    (into / "rgb").mkdir(parents=True)
    call = (into / "rgb", "--out", out, "--settle", "0.3", "--every", "0.05")
    process = started(job, *call)
    for number in range(6):
        drop(ready, into, number)
    wait_for(process, lambda: len(lines_in(out)) >= 4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 4 <= len(lines_in(out)) <= 6
    with (out / "scores.jsonl").open("ab") as file:
        file.write(b'{"image": "cut sho')
    process = started(job, *call)
    for number in range(6, 12):
        drop(ready, into, number)
    wait_for(process, lambda: len(lines_in(out)) >= 12)
    process.send_signal(signal.SIGTERM)
    printed, told = process.communicate()
    assert process.returncode == 0, told
    lines = lines_in(out)
    assert sorted(line["name"] for line in lines) == [f"{number:03d}.png" for number in range(12)]
    assert "drift is not watched" in told
    assert " ms\n" in printed
    assert all(line["latency_ms"] >= line["judging_ms"] > 0 for line in lines)
    assert all((out / line["heat_map"]).is_file() for line in lines)
    files = sorted((into / "rgb").iterdir())
    assert main(["predict", str(job / "job"), *map(str, files), "--out", str(tmp_path / "p")]) == 0
    predicted = list(csv.reader((tmp_path / "p/scores.csv").open()))
    watched = list(csv.reader((out / "scores.csv").open()))
    assert sorted(row[:6] for row in watched[1:]) == sorted(predicted[1:])
    assert {row[3] for row in predicted[1:]} == {"good", "defective"}
    model = dcrdf.load(job / "job/model", device="auto")
    for line in lines:
        image = Path(line["image"])
        verdict = model.predict(read_rgb(image), read_xyz(into / "xyz" / f"{image.stem}.tiff"))
        assert (line["score"], line["threshold"]) == (verdict.score, verdict.threshold)
        assert line["gauges"] == verdict.gauges


def test_once_judges_what_is_there_and_nothing_again(job, ready, tmp_path, capsys):
    into, out = tmp_path / "in", tmp_path / "out"
    (into / "rgb").mkdir(parents=True)
    assert watch(job, into / "rgb", out, "--once") == 0
    assert "no scans" in capsys.readouterr().out
    for number in (0, 1):
        drop(ready, into, number)
    assert watch(job, into / "rgb", out, "--once") == 0
    assert len(lines_in(out)) == 2
    shutil.copy(into / "rgb/000.png", tmp_path / "again.png")  # another time, the same content
    shutil.copy(tmp_path / "again.png", into / "rgb/000.png")
    drop(ready, into, 2)
    write_png(into / "rgb/002.png", 0 * read_rgb(into / "rgb/002.png"))
    assert watch(job, into / "rgb", out, "--once") == 3
    assert [line["verdict"] for line in lines_in(out)][2:] == ["not judged"]
    drop(ready, into, 3)
    (into / "xyz/003.tiff").write_bytes(b"II*\0 no image")
    write_png(into / "rgb/004.png", read_rgb(into / "rgb/000.png"))
    for _ in range(2):  # the second says the same and writes nothing
        assert watch(job, into / "rgb", out, "--once") == 2
        assert "2 of 5 scans could not be scored" in capsys.readouterr().err
        assert [line["score"] is None for line in lines_in(out)] == [False] * 3 + [True] * 2
    for number in (2, 3, 4):
        drop(ready, into, number)
    assert watch(job, into / "rgb", out, "--once") == 0
    assert [line["name"] for line in lines_in(out)] == [
        f"{number:03d}.png" for number in (0, 1, 2, 3, 4, 2, 3, 4)
    ]


def test_moved_light_is_told_before_a_part_is_rejected(job, ready, tmp_path, capsys):
    model = tmp_path / "model"
    shutil.copytree(job / "job/model", model)
    description = json.loads((model / "detector.json").read_text())
    usual = description["good_validation"]
    assert usual.keys() >= {
        "fused.score",
        "rgb.score",
        "depth.unusual",
        "rgb.brightness",
        "depth.noise",
    }
    now = usual["rgb.brightness"][0]
    usual["rgb.brightness"] = list(np.linspace(1.1 * now, 1.2 * now, 40))
    (model / "detector.json").write_text(json.dumps(description))
    call = ["watch", str(model), str(ready / "rgb"), "--out", str(tmp_path / "out"), "--once"]
    assert main([*call, "--last", "5"]) == 0
    told = capsys.readouterr().err
    assert (
        told.count("drift: light or camera has moved: rgb.brightness of good parts has fallen") == 1
    )
    assert "drift is not watched" not in told
    good = [line for line in lines_in(tmp_path / "out") if line["verdict"] == "good"]
    assert good[0]["drift"] == []
    assert good[-1]["drift"] == ["rgb.brightness"]
    chart = json.loads((tmp_path / "out/drift.json").read_text())["charts"]["rgb.brightness"]
    assert (chart["side"], chart["parts"]) == (-1, len(good))
    del description["good_validation"]
    (model / "detector.json").write_text(json.dumps(description))
    assert main([*call[:-2], str(tmp_path / "old"), "--once"]) == 0
    assert "drift is not watched: the model is of an older version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--rotate", "often"], "--rotate: 'often': give never, day, or a size"),
        (["--geometry", "nowhere"], "--geometry: nowhere: no such folder"),
    ],
)
def test_calls_that_cannot_be_meant(job, ready, tmp_path, capsys, more, message):
    assert watch(job, ready / "rgb", tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_be_meant(job, ready, tmp_path, capsys):
    for folder, out, message in (
        (ready / "nope", tmp_path / "out", "no such folder"),
        (ready, tmp_path / "out", f"give the folder of the images, {ready / 'rgb'}"),
        (ready / "rgb", ready / "rgb", "scans are looked for there"),
        (ready / "rgb", ready / "xyz", "scans are looked for there"),
    ):
        assert watch(job, folder, out, "--once") == 2
        assert message in capsys.readouterr().err
    assert watch(job, ready / "rgb", tmp_path / "out", "--once") == 0
    assert (
        main(
            ["predict", str(job / "job"), str(ready / "rgb/000.png"), "--out", str(tmp_path / "p")]
        )
        == 0
    )
    assert watch(job, ready / "rgb", tmp_path / "p", "--once") == 2
    assert "scores.csv: of `dcrdf predict`" in capsys.readouterr().err
