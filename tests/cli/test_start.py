"""The command line: help without torch, errors in one line with code 2."""

import subprocess
import sys

import pytest

from dcrdf.cli import COMMANDS, main


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dcrdf.cli", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_help_lists_every_command_without_torch():
    result = run("--help")
    assert result.returncode == 0
    for name in COMMANDS:
        assert name.replace("_", "-") in result.stdout
    for heavy in ("torch", "pandas", "cv2", "pydantic", "numpy"):
        assert f"| {heavy}\n" not in result.stderr.replace(" ", "").replace("|", "| ")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name.replace("_", "-"), "--help"])
    assert stopped.value.code == 0
    assert len(capsys.readouterr().out) > 100


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--prepared", "x.h5", "--out", "y"],
        ["train", "--stage", "{}", "--prepared", "x.h5", "--out", "y"],
        ["prepare", "--config", "no.yaml", "--category", "a", "--root", "r", "--out", "o.h5"],
        ["plan", "no.yaml"],
        ["check", "/no/such/folder"],
        ["aggregate"],
        ["predict", "/no/model", "/no/image.png", "--out", "/tmp/none"],
    ],
)
def test_user_errors_are_one_line_with_code_2(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("dcrdf: error: ")
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["trian"])
    assert stopped.value.code == 2
