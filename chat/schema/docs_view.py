"""`/api/schema` and `/api/docs`: the API, described to programs and to people."""

import asyncio
import secrets

from django.http import HttpResponse
from django.template.loader import render_to_string
from rest_framework.request import Request

from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.schema.contract import document
from chat.wire.values import JsonObject

# The page runs Swagger UI from our own static files and talks to this server only.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SchemaView(ApiView):
    """For everybody, also while the database is away."""

    authentication_classes = ()

    async def get(self, request: Request) -> Answer[JsonObject]:
        """Answer the OpenAPI document of this API."""
        # Making it takes a fifth of a second once; in a thread, the streams of this worker go on meanwhile.
        return Answer(await asyncio.to_thread(document))


class DocsView(ApiView):
    """For everybody."""

    authentication_classes = ()

    async def get(self, request: Request) -> HttpResponse:
        """Answer a page on which the API can be read and tried, offline too."""
        nonce = secrets.token_urlsafe(16)
        page = render_to_string("api/docs.html", {"nonce": nonce})
        return HttpResponse(page, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY.format(nonce=nonce)})
