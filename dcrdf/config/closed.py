"""The base of every configuration model: closed, typed, immutable."""

import json
import re
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from dcrdf.errors import UserError

MAX_SIZE = 1_000_000
"""Values, and characters of texts, that a section may hold."""
_YAML_TEXT_NUMBER = re.compile(r"[-+]?\d+[eE][-+]?\d+")


class Closed(BaseModel):
    """A configuration section that refuses unknown keys, wrong types and impossible values."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False
    )
    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset()
    """Keys that records from before them lack: they are recorded where they differ from the
    default alone, so that older records and digests stay as they are."""

    def record(self) -> dict[str, Any]:
        """The values as JSON types, as records and digests hold them; `parse` is the inverse."""
        fields = type(self).model_fields
        unchanged = {
            key
            for key in self.RECORDED_IF_CHANGED
            if getattr(self, key) == fields[key].get_default(call_default_factory=True)
        }
        return self.model_dump(mode="json", exclude=unchanged)

    @classmethod
    def parse(cls, values: dict[str, Any], where: str) -> Self:
        """Validate `values`; raise `UserError` naming the first bad key below `where`.

        Validation happens in JSON terms: a YAML list may fill a tuple, nothing else is converted.
        """
        try:
            return cls.model_validate_json(_as_json(values, where))
        except ValidationError as error:
            raise UserError(_describe(error.errors()[0], cls, where)) from None

    @classmethod
    def check_partial(cls, values: dict[str, Any], where: str) -> None:
        """Refuse bad keys of a partial section; rules between keys wait for the merged one."""
        try:
            cls.model_validate_json(_as_json(values, where))
        except ValidationError as error:
            for problem in error.errors():
                if problem["loc"] and problem["type"] != "missing":
                    raise UserError(_describe(problem, cls, where)) from None


def _as_json(values: dict[str, Any], where: str) -> str:
    try:
        _check_size(values)
        return json.dumps(values)
    except (TypeError, ValueError) as error:
        raise UserError(f"config: {where or 'file'}: {error}") from None


def _check_size(values: Any) -> None:
    """ValueError for more values than anyone writes: aliases of YAML can repeat one another until
    no memory holds the text."""
    left, waiting = MAX_SIZE, [values]
    while waiting:
        value = waiting.pop()
        left -= 1 + (len(value) if isinstance(value, str) else 0)
        if left < 0:
            raise ValueError("holds too much; do its aliases repeat one another?")
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def _describe(problem: Any, model: type[BaseModel], where: str) -> str:
    key = ".".join([where, *(str(part) for part in problem["loc"])]).strip(".")
    if problem["type"] == "extra_forbidden":
        owner: Any = model
        for part in problem["loc"][:-1]:
            field = owner.model_fields.get(part) if hasattr(owner, "model_fields") else None
            owner = field.annotation if field is not None else None
        known = ", ".join(owner.model_fields) if hasattr(owner, "model_fields") else ""
        return f"config: unknown key {key!r}" + (f"; allowed here: {known}" if known else "")
    message = problem["msg"].removeprefix("Value error, ")
    given = problem.get("input")
    if isinstance(given, str) and _YAML_TEXT_NUMBER.fullmatch(given):
        message += "; YAML takes 1e-3 for text, write 0.001 or 1.0e-3"
    shown = "" if isinstance(given, (dict, list)) else f" (got {given!r})"
    return f"config: {key}: {message[0].lower()}{message[1:]}{shown}"
