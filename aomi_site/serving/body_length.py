"""Django's ASGI handler, extended to read bodies without a Content-Length."""

import os
from collections.abc import Mapping
from typing import IO, Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase


class AnyLengthHandler(ASGIHandler):
    """Gives Django and DRF the length of a body: both treat a chunked one as empty.

    Django's limit on form data in memory uses the same number.
    """

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes] | Any
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """Return the request, or the response to a request that cannot be read."""
        request, refusal = super().create_request(dict(scope), body_file)
        if request is None:
            return None, refusal or HttpResponse(status=400)
        body_file.seek(0, os.SEEK_END)
        request.META["CONTENT_LENGTH"] = str(body_file.tell())
        body_file.seek(0)
        return request, None
