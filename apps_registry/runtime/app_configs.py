"""App configurations in memory, valid until the registry's revision changes."""

import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

from apps_registry.models import App, AppRelease, Document, Model
from apps_registry.provider_rules.profiles import is_on_this_machine
from apps_registry.provider_rules.request_rules import RequestRules
from apps_registry.releases.frozen import FrozenConfig, frozen_config
from apps_registry.retrieval.tool import search_tool
from apps_registry.retrieval.versions import draft_ids
from apps_registry.runtime.draft_tools import draft_tools
from apps_registry.services.provider_fit import fitted_schemas
from apps_registry.services.surroundings import surroundings_of
from apps_registry.services.tools_in_use import ToolInUse
from apps_registry.support.database import run_orm
from apps_registry.support.http.request_sources import SourceLimits, limits_of
from apps_registry.tools.base import Tool
from apps_registry.values import AppConfig, CallerRules, ModelConfig, Sampling, ServerNote

logger = logging.getLogger("aomi.apps")

AppSelector = str | int | None | tuple[int, int | None]

MAX_CACHED = 10_000  # configurations; the cache is cleared when it has more


class AppConfigs:
    """Active Apps by slug and by id, loaded once per revision and worker.

    The caller passes the revision, which it has read together with its key. So a change in the admin takes effect with
    the next request of every worker, and a warm request needs no additional query.
    """

    def __init__(self) -> None:
        self._revision = -1
        self._cached: dict[AppSelector, AppConfig | None] = {}

    async def by_slug(self, slug: str, *, revision: int) -> AppConfig | None:
        """Return the active App with this slug, or None."""
        return await self._get(slug, revision)

    async def by_id(self, app_id: int, *, revision: int) -> AppConfig | None:
        """Return the active App with this id, or None."""
        return await self._get(app_id, revision)

    async def default(self, *, revision: int) -> AppConfig | None:
        """Return the default App; None before it is seeded."""
        return await self._get(None, revision)

    async def for_session(self, live: AppConfig, kept: int | None, *, revision: int) -> AppConfig:
        """Return the configuration for a session.

        Args:
            live: the live configuration of the session's App.
            kept: id of the release that the session began with, if any.
            revision: the current revision of the registry.
        """
        release_id = live.release_for(kept)
        if release_id is None or release_id == live.release_id:
            return live
        return await self._get((live.id, release_id), revision) or live  # the release may have been deleted

    async def draft(self, app_id: int, *, revision: int) -> AppConfig | None:
        """Return the draft of an active App, or None."""
        return await self._get((app_id, None), revision)

    async def release(self, app_id: int, release_id: int, *, revision: int) -> AppConfig | None:
        """Return one release of an active App, or None."""
        return await self._get((app_id, release_id), revision)

    async def _get(self, selector: AppSelector, revision: int) -> AppConfig | None:
        # A stream that was opened long ago passes an old revision; it can use the newer configurations.
        if revision > self._revision or len(self._cached) > MAX_CACHED:
            self._revision, self._cached = revision, {}
        cached = self._cached
        if selector not in cached:
            # If another task moves to a newer revision in the meantime, this result stays in the old dict.
            cached[selector] = await run_orm(load_app_config, selector)
        return cached[selector]


app_configs = AppConfigs()


def load_app_config(selector: AppSelector) -> AppConfig | None:
    """Read an active App from the database.

    Args:
        selector: a slug, an id, None for the default App, or a pair of the ids of an App and one of its releases; in
            a pair, None is the draft.
    """
    query: dict[str, Any] = {"slug" if isinstance(selector, str) else "pk": selector}
    if selector is None:
        query = {"is_default": True}
    elif isinstance(selector, tuple):
        query = {"pk": selector[0]}
    app = App.objects.filter(is_active=True, **query).select_related("default_model__provider", "live_release").first()
    if app is None:
        return None
    release = app.live_release
    if isinstance(selector, tuple):
        release = AppRelease.objects.filter(app_id=app.pk, pk=selector[1]).first() if selector[1] else None
        if release is None and selector[1]:
            return None
    return _to_config(app, release)


def draft_config(app: App) -> AppConfig:
    """Return the configuration of an App's draft, even if the App is turned off."""
    return _to_config(app, None)


def _to_config(app: App, release: AppRelease | None) -> AppConfig:
    frozen = frozen_config(app, release) if release else None
    app = frozen.app if frozen else app
    models = frozen.models if frozen else _draft_models(app)
    in_use = frozen.tools if frozen else draft_tools(app)
    tools = (*_tools(app, in_use), *_document_tools(app, frozen))
    return AppConfig(
        id=app.pk,
        slug=app.slug,
        is_default=app.is_default,
        preamble=app.preamble,
        models=tuple(to_model_config(model, tools) for model in models),
        sampling=Sampling(app.temperature, app.top_p, app.max_reply_tokens),
        tools=tools,
        reply_wait_seconds=app.reply_wait_seconds,
        max_tool_rounds=app.max_tool_rounds,
        history_budget_tokens=app.history_budget_tokens,
        sessions_readable_by_id=app.sessions_readable_by_id,
        reply_language=app.reply_language,
        summarises_history=app.summarises_history,
        makes_titles=app.makes_titles,
        keeps_reasoning=app.keeps_reasoning,
        keeps_requests=bool(app.keeps_requests_days),
        caller_rules=CallerRules(
            may_instruct=app.callers_may_instruct,
            may_sample=app.callers_may_sample,
            may_bring_tools=app.callers_may_bring_tools,
            keeps_stateless_text=app.keeps_stateless_text,
            continues_chats_of_openwebui=app.continues_chats_of_openwebui,
        ),
        shows_usage=app.shows_usage,
        recalls_earlier_sessions=app.recalls_earlier_sessions,
        allowed_origins=frozenset(app.allowed_origins.split()),
        source_limits=_source_limits(app),
        trusts_backend_wallets=app.trusts_backend_wallets,
        claimed_wallets_may_sign=app.claimed_wallets_may_sign,
        created_at=app.created_at,
        name=app.name,
        description=app.description,
        release_id=release.pk if release else None,
        sessions_keep_release=app.sessions_keep_release,
        problem=frozen.problem if frozen else "",
        server_notes=_server_notes(in_use, {tool.name for tool in tools}),
    )


def _source_limits(app: App) -> SourceLimits:
    """Return the App's limits; an App that refuses other origins and names none refuses every call."""
    origins = frozenset(app.allowed_origins.split()) if app.refuses_other_origins else None
    return SourceLimits(origins, limits_of("", app.allowed_networks).networks)


def _draft_models(app: App) -> list[Model]:
    alternatives = app.appmodel_set.select_related("model__provider")
    return [app.default_model, *(row.model for row in alternatives if row.model_id != app.default_model_id)]


def _server_notes(in_use: Iterable[ToolInUse], names: Set[str]) -> tuple[ServerNote, ...]:
    """Return the accepted instructions of the MCP servers that have tools in use."""
    notes = {tool.note for tool in in_use if tool.note and tool.name in names}
    return tuple(sorted((note for note in notes if note.text), key=lambda note: note.prefix))


def _tools(app: App, in_use: Iterable[ToolInUse]) -> Iterator[Tool]:
    """Yield the App's enabled tools; a tool that cannot be used is logged and left out."""
    surroundings = surroundings_of(app)
    for tool in in_use:
        try:
            yield replace(tool.make(surroundings), needs_confirmation=tool.needs_confirmation)
        except (TypeError, ValueError, AttributeError) as error:
            logger.error("tool %s of App %s cannot be used: %s", tool.name, app.slug, type(error).__name__)


def _document_tools(app: App, frozen: FrozenConfig | None) -> list[Tool]:
    """Return the search tool if the App has searchable documents."""
    documents = frozen.documents if frozen else _draft_documents(app)
    searched = Document.versions.filter(app=app, chunk_count__gt=0)
    if documents is None:
        tags: Iterable[Sequence[str]] = list(searched.values_list("tags", flat=True))
    else:
        tags = [documents[id_] for id_ in searched.filter(pk__in=list(documents)).values_list("pk", flat=True)]
    names = sorted({tag for document_tags in tags for tag in document_tags})
    return [search_tool(app.pk, names, documents=documents)] if tags else []


def _draft_documents(app: App) -> dict[int, Sequence[str]] | None:
    """Return the documents that the draft searches with their tags; None: all documents of the App."""
    ids = draft_ids(app)
    return None if ids is None else dict(Document.versions.filter(app=app, pk__in=ids).values_list("pk", "tags"))


def to_model_config(model: Model, tools: Sequence[Tool] = ()) -> ModelConfig:
    """Return the configuration of a model, whose row was read with its provider.

    Args:
        model: the row.
        tools: the tools that it may call.
    """
    provider = model.provider
    profile = provider.known_profile
    schemas, unfit = fitted_schemas(tools, profile.tools) if model.supports_tools else ({}, {})
    return ModelConfig(
        name=model.name,
        provider_model_id=model.provider_model_id,
        provider_id=provider.pk,
        base_url=provider.base_url,
        key=provider.key,
        context_window=model.context_window,
        supports_tools=model.supports_tools,
        headers=provider.headers,
        max_concurrent=provider.max_concurrent,
        first_token_seconds=provider.first_token_seconds,
        gap_seconds=provider.gap_seconds,
        prompt_price=model.prompt_price,
        completion_price=model.completion_price,
        options=model.request_options,
        id=model.pk,
        profile=profile,
        rules=RequestRules.from_json(model.request_rules).over(profile.rules),
        max_output_tokens=model.max_output_tokens,
        is_on_this_machine=is_on_this_machine(provider.base_url),
        schemas=schemas,
        unfit_tools=unfit,
    )
