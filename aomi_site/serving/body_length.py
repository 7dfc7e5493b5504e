"""Django's ASGI handler, for which a body counts whether or not its length was announced."""

import os
from collections.abc import Mapping
from typing import IO, Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase


class AnyLengthHandler(ASGIHandler):
    """Tells Django and DRF how long a body is: both take one that came in chunks for an empty one.

    Django's limit on what a form may hold in memory counts by the same number.
    """

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes] | Any
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """Return the request, or the answer to one that cannot be read."""
        request, refusal = super().create_request(dict(scope), body_file)
        if request is None:
            return None, refusal or HttpResponse(status=400)
        body_file.seek(0, os.SEEK_END)
        request.META["CONTENT_LENGTH"] = str(body_file.tell())
        body_file.seek(0)
        return request, None
