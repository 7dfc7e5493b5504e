"""`/api/schema` and `/api/docs`: the API's description for programs and for people."""

import asyncio
import secrets

from django.http import HttpResponse
from django.template.loader import render_to_string
from rest_framework.request import Request

from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.schema.contract import document
from chat.wire.values import JsonObject

# The page loads Swagger UI from our own static files and connects to this server only.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SchemaView(ApiView):
    """Public, and available while the database is down."""

    authentication_classes = ()

    async def get(self, request: Request) -> Answer[JsonObject]:
        """Get the OpenAPI document of this API."""
        # The first generation takes 0.2 s; a thread keeps it from blocking this worker's streams.
        return Answer(await asyncio.to_thread(document))


class DocsView(ApiView):
    """Public."""

    authentication_classes = ()

    async def get(self, request: Request) -> HttpResponse:
        """Get a page on which to read about the API and try it; it works offline."""
        nonce = secrets.token_urlsafe(16)
        page = render_to_string("api/docs.html", {"nonce": nonce})
        return HttpResponse(page, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY.format(nonce=nonce)})
