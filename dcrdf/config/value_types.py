"""Kinds of values that several options have: numbers in bounds, paths, lists without repeats."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1, le=10**9)]
NonNegative = Annotated[int, Field(ge=0, le=10**18)]


def _usable_path(text: str) -> str:
    """A path as it stands: nothing expands it, and Snakemake must not."""
    if not text.strip():
        raise ValueError("a path is missing")
    if text.startswith("~"):
        raise ValueError("'~' is not expanded; write the path in full")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("a path holds no control characters")
    for letters, name in (("{}", "braces"), ("<>", "angle brackets")):
        if set(letters) & set(text):
            raise ValueError(f"Snakemake takes {name} in a path for a wildcard")
    return text


PathText = Annotated[str, AfterValidator(_usable_path)]

Value = TypeVar("Value")


def each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The values; `ValueError` for one that is there twice."""
    repeated = [value for at, value in enumerate(values) if value in values[:at]]
    if repeated:
        raise ValueError(f"{repeated[0]} is listed twice")
    return values


Distinct = Annotated[tuple[Value, ...], Field(min_length=1), AfterValidator(each_once)]
"""One or more values, each once, in the order given."""

Fusion = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
"""The name of a fusion, of those that the detector offers."""
