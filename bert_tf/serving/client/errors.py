"""Why there is no answer."""

# What TF Serving says of requests that it has put into one batch and whose tensors differ
# in length: nothing is wrong with any of them, and at another time it would be alone.
NOT_ALIKE = "padding is turned off"


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
