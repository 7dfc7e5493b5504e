"""The admin's response to input that none of its forms sends."""

import logging

from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.deprecation import MiddlewareMixin

from apps_registry.support.error_location import location

logger = logging.getLogger("aomi.admin")

# A NUL in a filter, an invalid id, an unknown charset: Django responds to these with 500.
BAD_INPUT = (DataError, ValidationError, ValueError, LookupError, OverflowError)


class BadInputMiddleware(MiddlewareMixin):
    """Responds with 400 if a value in the query string or the form is invalid for a lookup."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the refusal; None if the client is not at fault."""
        if isinstance(exception, BAD_INPUT) and (request.GET or request.method == "POST"):
            # Logged, because an error in our code would look the same.
            logger.warning("%s: refused: %s", request.path, location(exception))
            return HttpResponseBadRequest("This request contains an invalid value.", content_type="text/plain")
        return None
