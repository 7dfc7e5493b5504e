"""Plans and applies imports of OpenAPI documents."""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from asgiref.sync import async_to_sync
from django.db import transaction

from apps_registry.models import App, Tool
from apps_registry.models.openapi import OpenApiSource, OpenApiTool
from apps_registry.openapi.convert import ImportedTool, convert
from apps_registry.openapi.diff import Change, ExistingTool, OpenAPIPlan, compare
from apps_registry.openapi.document import MAX_BYTES, DocumentError, OpenApiDocument, read_document
from apps_registry.openapi.operations import Operation, Refusal, read_operations
from apps_registry.outbound.client import CallRecord, OutboundRequest, send
from apps_registry.outbound.errors import OutboundError
from apps_registry.services.outbound_log import store_outside_turn
from apps_registry.services.plan import PlanChanged
from apps_registry.services.provider_fit import find_unfit, models_of_app
from apps_registry.support.text.naming import shortened

FETCH_SECONDS = 30.0
ACCEPT = "application/json, application/yaml;q=0.9, */*;q=0.5"


@dataclass(slots=True)
class Import:
    """A document that is about to be imported into an App.

    Attributes:
        source: row of the document, saved or not.
        operations: all operations of the document.
        unlisted: paths that cannot be read.
    """

    app: App
    source: OpenApiSource
    document: OpenApiDocument
    operations: list[Operation] = field(init=False)
    unlisted: list[Refusal] = field(init=False)

    def __post_init__(self) -> None:
        """Read the operations of the document."""
        self.operations, self.unlisted = read_operations(self.document, self.source.prefix)

    def known_keys(self) -> set[str]:
        """Return the keys of the operations that are already tools of the App."""
        return set(self.source.tools.values_list("key", flat=True)) if self.source.pk else set()

    def plan(self, chosen: Collection[str]) -> OpenAPIPlan:
        """Return the changes of importing the selected operations and those that are already tools.

        Args:
            chosen: keys of the selected operations.
        """
        known = _known(self.source)
        keys = {*chosen, *known}
        tools, refusals = convert(
            self.document,
            [operation for operation in self.operations if operation.key in keys],
            server=self.source.server,
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
        """Return the tools that the providers of the App's models accept, and the reasons for the others."""
        models, operations_by_key = models_of_app(self.app), {operation.key: operation for operation in self.operations}
        fitting, unfit = [], []
        for tool in tools:
            reason = next(find_unfit(models, tool.definition.name, tool.definition.parameters), "")
            if reason:
                unfit.append(
                    Refusal(tool.key, operations_by_key[tool.key].method, operations_by_key[tool.key].path, reason)
                )
            else:
                fitting.append(tool)
        return fitting, unfit


def fetch(app: App, url: str) -> bytes:
    """Fetch a document from an address, with the App's rules for outbound calls.

    Raises:
        DocumentError: it could not be fetched.
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
        app: the App that gets the tools.
        content: the document, JSON or YAML.
        url: its address; empty: it is from a file.
        prefix: prefix of the names of new tools; None: as in the last import.
        server: the address to use instead of the one in the document; None: as in the last import.

    Raises:
        DocumentError: the document cannot be read.
    """
    document = read_document(content, url)
    title = shortened(document.title, 200) or "Untitled"
    source = OpenApiSource.objects.filter(app=app, title=title).first() or OpenApiSource(app=app, title=title)
    source.url, source.content = url, zlib.compress(content)
    source.prefix = source.prefix if prefix is None else prefix
    source.server = source.server if server is None else server
    return Import(app, source, document)


def resume(source: OpenApiSource) -> Import:
    """Return the import of a stored document.

    Raises:
        DocumentError: the document cannot be read.
    """
    return Import(source.app, source, read_document(zlib.decompress(source.content), source.url))


@transaction.atomic
def apply(importing: Import, chosen: Collection[str], *, digest: str) -> OpenAPIPlan:
    """Apply a confirmed plan and return it.

    Args:
        importing: the import.
        chosen: keys of operations.
        digest: digest of the plan that the operator confirmed.

    Raises:
        PlanChanged: tools have changed since, so that the plan is a different one.
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
