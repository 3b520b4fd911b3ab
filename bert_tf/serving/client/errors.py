"""Why there is no answer."""


class ServingError(Exception):
    """The server has given no answer."""


class InvalidRequest(ServingError, ValueError):
    """The server has refused the inputs; asked again, it will again."""


class NotFound(ServingError):
    """The server does not have this model, or not this version of it."""


class Unavailable(ServingError):
    """The server cannot be reached or has no time; asked again, it may answer."""


class DeadlineExceeded(ServingError, TimeoutError):
    """The time for the answer is over."""
