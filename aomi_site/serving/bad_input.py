"""The admin's answer to input that no form of its own sends."""

import logging

from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.deprecation import MiddlewareMixin

from apps_registry.support.error_location import location

logger = logging.getLogger("aomi.admin")

# A NUL in a filter, an id that is no id, a charset that is no charset: Django lets these surface as 500.
BAD_INPUT = (DataError, ValidationError, ValueError, LookupError, OverflowError)


class BadInputMiddleware(MiddlewareMixin):
    """Answers 400 where a value in the query string or the form breaks a look-up."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the refusal; None for what is not the sender's fault."""
        if isinstance(exception, BAD_INPUT) and (request.GET or request.method == "POST"):
            # Logged, since a fault of our own would look the same.
            logger.warning("%s: refused: %s", request.path, location(exception))
            return HttpResponseBadRequest("This request holds a value that cannot be.", content_type="text/plain")
        return None
