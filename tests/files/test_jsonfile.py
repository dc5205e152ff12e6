from pathlib import Path

import pytest

from dcrdf.errors import UserError
from dcrdf.files.jsonfile import read_json, write_json


def test_round_trip_is_sorted_and_ends_with_a_newline(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "metrics.json"
    write_json(path, {"b": [1, None], "a": "größe"})
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert path.read_text(encoding="utf-8").index('"a"') < path.read_text().index('"b"')
    assert read_json(path) == {"a": "größe", "b": [1, None]}


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "m.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b'{"a": ', b"\xff\xfe", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000]
)
def test_bad_json_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"m\.json: not valid JSON"):
        read_json(path)


def test_missing_json_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"m\.json: cannot read: No such file"):
        read_json(tmp_path / "m.json")
