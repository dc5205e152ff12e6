"""The one exception that is meant for the user's eyes."""


class UserError(Exception):
    """Something the user can put right: one line that names the file or key and what to do.

    The command line prints it without a traceback and exits with code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
