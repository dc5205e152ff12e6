"""What a reader put right, or found odd, in a file that it could read."""

from typing import NamedTuple


class Remark(NamedTuple):
    """The same words for the same thing in every file, so that files can be counted by them."""

    what: str
    """The topic: `masks`, `orientation`, `missing depth`."""
    detail: str


Remarks = list[Remark]
"""Readers append to it."""
