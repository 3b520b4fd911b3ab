"""What is wrong with a request, told as TF Serving tells it."""

from tensorflow.errors import (
    CANCELLED,
    DATA_LOSS,
    DEADLINE_EXCEEDED,
    FAILED_PRECONDITION,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    OUT_OF_RANGE,
    RESOURCE_EXHAUSTED,
    UNAVAILABLE,
    UNIMPLEMENTED,
    UNKNOWN,
)

# TF Serving's http_server.cc.
_HTTP_STATUS = {
    CANCELLED: 499,
    DATA_LOSS: 500,
    DEADLINE_EXCEEDED: 504,
    FAILED_PRECONDITION: 400,
    INTERNAL: 500,
    INVALID_ARGUMENT: 400,
    NOT_FOUND: 404,
    OUT_OF_RANGE: 400,
    RESOURCE_EXHAUSTED: 429,
    UNAVAILABLE: 503,
    UNIMPLEMENTED: 501,
    UNKNOWN: 500,
}


class RequestError(Exception):
    """A request that is not answered.

    Attributes:
        code: TensorFlow's number of the error, which is gRPC's as well.
        message: for the client.
    """

    def __init__(self, message: str, code: int = INVALID_ARGUMENT):
        super().__init__(message)
        self.message = message
        self.code = code

    @property
    def http_status(self) -> int:
        """The status of an HTTP response that tells it."""
        return _HTTP_STATUS.get(self.code, 500)
