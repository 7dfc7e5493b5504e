"""Imports: what one would do to an App's tools, and doing it."""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from asgiref.sync import async_to_sync
from django.db import transaction

from apps_registry.models import App, Tool
from apps_registry.models.openapi import OpenApiSource, OpenApiTool
from apps_registry.openapi.convert import ImportedTool, convert
from apps_registry.openapi.diff import Change, ExistingTool, OpenAPIPlan, compare
from apps_registry.openapi.document import MAX_BYTES, Document, DocumentError, read_document
from apps_registry.openapi.operations import Operation, Refusal, read_operations
from apps_registry.outbound.client import CallRecord, OutboundRequest, send
from apps_registry.outbound.errors import OutboundError
from apps_registry.services.outbound_log import store_outside_turn
from apps_registry.services.plan import PlanChanged
from apps_registry.services.provider_fit import find_unfit, models_of_app
from apps_registry.support.naming import shortened

FETCH_SECONDS = 30.0
ACCEPT = "application/json, application/yaml;q=0.9, */*;q=0.5"


@dataclass(slots=True)
class Import:
    """A document that is about to be imported into an App.

    Attributes:
        source: its row, which need not be saved yet.
        operations: all that the document has.
        unlisted: what could not even be listed.
    """

    app: App
    source: OpenApiSource
    document: Document
    operations: list[Operation] = field(init=False)
    unlisted: list[Refusal] = field(init=False)

    def __post_init__(self) -> None:
        """List the operations."""
        self.operations, self.unlisted = read_operations(self.document, self.source.prefix)

    def known_keys(self) -> set[str]:
        """Return the keys of the operations that are tools of the App already."""
        return set(self.source.tools.values_list("key", flat=True)) if self.source.pk else set()

    def plan(self, chosen: Collection[str]) -> OpenAPIPlan:
        """Return what importing the chosen operations, and those that are tools already, would do.

        Args:
            chosen: keys of operations.
        """
        known = _known(self.source)
        wanted = {*chosen, *known}
        tools, refusals = convert(
            self.document, [each for each in self.operations if each.key in wanted], server=self.source.server
        )
        tools, unfit = self._fitting(tools)
        names = Tool.objects.filter(app=self.app).values_list("name", flat=True)
        return compare(
            tools,
            [*self.unlisted, *refusals, *unfit],
            known=known,
            still_there=frozenset(operation.key for operation in self.operations),
            taken_names=frozenset(name.lower() for name in names),
        )

    def _fitting(self, tools: Iterable[ImportedTool]) -> tuple[list[ImportedTool], list[Refusal]]:
        """Return the tools that the providers of the App's models take, and why they refuse the others."""
        models, places = models_of_app(self.app), {each.key: each for each in self.operations}
        fitting, unfit = [], []
        for tool in tools:
            reason = next(find_unfit(models, tool.definition.name, tool.definition.parameters), "")
            if reason:
                unfit.append(Refusal(tool.key, places[tool.key].method, places[tool.key].path, reason))
            else:
                fitting.append(tool)
        return fitting, unfit


def fetch(app: App, url: str) -> bytes:
    """Return a document from an address, by the App's rules for outbound calls.

    Raises:
        DocumentError: it could not be had.
    """
    request = OutboundRequest("GET", url, {"Accept": ACCEPT})
    records: list[CallRecord] = []
    try:
        response = async_to_sync(send)(
            request,
            allowed_hosts=app.private_hosts,
            only_hosts=app.listed_hosts,
            timeout_seconds=FETCH_SECONDS,
            records=records,
            max_bytes=MAX_BYTES,
        )
    except OutboundError as error:
        raise DocumentError(f"The document could not be fetched: {error}.") from None
    finally:
        store_outside_turn(app.pk, "OpenAPI document", records)
    if response.status != 200:
        raise DocumentError(f"The document could not be fetched: the server answered {response.status}.")
    return response.body


def begin(app: App, content: bytes, *, url: str = "", prefix: str | None = None, server: str | None = None) -> Import:
    """Read a document for an App; nothing is saved.

    Args:
        app: gets the tools.
        content: the document, JSON or YAML.
        url: where it came from; empty: from a file.
        prefix: put before the names of new tools; None: as the last time.
        server: the address to use in place of the document's; None: as the last time.

    Raises:
        DocumentError: it cannot be read.
    """
    document = read_document(content, url)
    title = shortened(document.title, 200) or "Untitled"
    source = OpenApiSource.objects.filter(app=app, title=title).first() or OpenApiSource(app=app, title=title)
    source.url, source.content = url, zlib.compress(content)
    source.prefix = source.prefix if prefix is None else prefix
    source.server = source.server if server is None else server
    return Import(app, source, document)


def resume(source: OpenApiSource) -> Import:
    """Return the import of a document that is saved.

    Raises:
        DocumentError: it cannot be read.
    """
    return Import(source.app, source, read_document(zlib.decompress(source.content), source.url))


@transaction.atomic
def apply(importing: Import, chosen: Collection[str], *, digest: str) -> OpenAPIPlan:
    """Do what was planned and confirmed; returns what was done.

    Args:
        importing: the document.
        chosen: keys of operations.
        digest: of the plan that the operator saw.

    Raises:
        PlanChanged: tools changed meanwhile, so that something else would be done.
    """
    App.objects.select_for_update(no_key=True).get(pk=importing.app.pk)
    importing.source.save()
    plan = importing.plan(chosen)
    if plan.digest() != digest:
        raise PlanChanged
    for change in plan.changes:
        _apply_change(importing, change)
    return plan


def _apply_change(importing: Import, change: Change) -> None:
    origin = importing.source.tools.filter(key=change.key).select_related("tool").first()
    if change.kind == "added" and change.imported:
        tool = Tool(app=importing.app)
        tool.set_http_definition(change.definition)
        tool.save()
        origin = OpenApiTool(tool=tool, source=importing.source, key=change.key)
        origin.set_imported_definition(change.imported)
        origin.save()
    elif origin and change.kind == "changed" and change.imported:
        origin.tool.set_http_definition(change.definition)
        origin.tool.save(update_fields=["definition"])
        origin.set_imported_definition(change.imported)
        origin.save(update_fields=["imported"])
    elif origin and change.kind == "removed":
        origin.tool.delete()
    elif origin and change.kind == "turned off":
        origin.tool.is_enabled = False
        origin.tool.save(update_fields=["is_enabled"])


def _known(source: OpenApiSource) -> dict[str, ExistingTool]:
    if not source.pk:
        return {}
    rows = source.tools.select_related("tool")
    return {row.key: ExistingTool(row.tool.http_definition(), row.imported_definition()) for row in rows}
