"""JSON files: read with clear errors, written whole."""

import json
from pathlib import Path
from typing import Any, NoReturn

from dcrdf.errors import UserError
from dcrdf.files.atomic import replacing


def read_json(path: Path) -> Any:
    """The value in a JSON file; `UserError` when it is missing, not UTF-8 or not JSON."""
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=without_duplicates
        )
        if "\\ud" in text.lower():  # half a character may be written so, and cannot be shown
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON: {error}") from None


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON with sorted keys, whole or not at all."""
    text = json.dumps(value, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False)
    with replacing(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members, as `json` hands them over; `ValueError` for a key that is there twice,
    of which `json` would take the last."""
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key!r} is there twice; remove one")
        values[key] = value
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
