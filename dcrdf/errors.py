"""The one exception that is meant for the user's eyes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """Something the user can put right: one line that names the file or key and what to do.

    The command line prints it without a traceback and exits with code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@contextmanager
def about(what: str | Path) -> Iterator[None]:
    """Have a `UserError` of the body name what it is about, where it does not yet."""
    try:
        yield
    except UserError as error:
        if str(what) in str(error):
            raise
        raise UserError(f"{what}: {error}") from None
