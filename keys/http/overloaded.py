"""The refusal of calls that are too much for this worker."""

from rest_framework.exceptions import APIException


class Overloaded(APIException):
    """The worker has too much work at the moment; clients should retry soon."""

    status_code = 503
    default_detail = "The server is busy; try again shortly."
    default_code = "overloaded"
    retry_after = 1
