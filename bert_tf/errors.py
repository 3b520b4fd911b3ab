"""The one exception that means: the user can put this right."""


class UserError(ValueError):
    """Wrong input, flag or file.

    The message is one line: what was expected, what was received and what to do.
    The command-line programs print it without a traceback and exit with code 2; any
    other exception is a defect and keeps its traceback.
    """
