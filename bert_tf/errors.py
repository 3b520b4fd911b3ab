"""The exceptions that mean: the user can put this right."""


class UserError(ValueError):
    """Wrong input, flag or file.

    The message is one line: what was expected, what was received and what to do.
    The command-line programs print it without a traceback and exit with `exit_code`;
    any other exception is a defect and keeps its traceback.
    """

    exit_code = 2


class Stopped(UserError):
    """The process was asked to end by a signal, and has saved what it had."""

    def __init__(self, message: str, *, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number  # as shells tell it
