"""The part of an App that a release holds. All other parts apply to every release immediately."""

from dataclasses import replace

import orjson

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.current import content_of
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.reading import read_data
from apps_registry.app_files.settings import setting_fields
from apps_registry.models import App, AppRelease, Model

# These control who may call, what leaves the server and how data is kept. They apply to every release immediately.
HOLD_AT_ONCE = frozenset(
    {
        *("name", "description"),
        *("allowed_hosts", "only_hosts", "allowed_origins", "refuses_other_origins", "allowed_networks"),
        *("trusts_backend_wallets", "claimed_wallets_may_sign"),
        *("sessions_readable_by_id", "sessions_keep_release"),
        *("retention_days", "reply_wait_seconds", "makes_titles", "recalls_earlier_sessions", "document_language"),
        *("callers_may_instruct", "callers_may_sample", "callers_may_bring_tools"),
        *("keeps_stateless_text", "continues_chats_of_openwebui"),
        *("keeps_reasoning", "keeps_requests_days", "shows_usage"),
    }
)


def frozen_fields() -> frozenset[str]:
    """Return the fields of an App's form that a release holds: callers get changes of them with the next release."""
    return frozenset({"default_model", "builtin_tools", *setting_fields()}) - HOLD_AT_ONCE


def content_to_publish(app: App) -> AppContent:
    """Return the content that a release of an App's draft would hold.

    Raises:
        AppFileError: the draft holds something that a release cannot be read with.
    """
    try:
        content = _frozen_part(content_of(app))
    except (TypeError, ValueError):
        raise AppFileError("The stored definition of a tool cannot be read: define the tool again.") from None
    return read_data(content.as_data()).content


def content_of_release(release: AppRelease) -> AppContent:
    """Return the content of a release.

    Raises:
        AppFileError: this server cannot read it, for example because a built-in tool was removed.
    """
    try:
        data = orjson.loads(release.content)
    except orjson.JSONDecodeError:
        raise AppFileError("what is stored is not JSON") from None
    return _frozen_part(read_data(data).content)


def models_of(content: AppContent) -> list[Model]:
    """Return the models by name, without those that were deleted or renamed since.

    Raises:
        AppFileError: none of them exists.
    """
    names = [content.default_model, *content.alternative_models]
    rows = {model.name: model for model in Model.objects.filter(name__in=names).select_related("provider")}
    if not rows:
        raise AppFileError(f"there is no longer a model {' or '.join(names)}")
    return [rows[name] for name in names if name in rows]


def find_problem(release: AppRelease) -> str:
    """Return why a release cannot run, as a sentence; empty if it can."""
    try:
        models_of(content_of_release(release))
    except AppFileError as error:
        reason = str(error).rstrip(".")
        return f"Release {release.number} cannot be run: {reason}."
    return ""


def _frozen_part(content: AppContent) -> AppContent:
    settings = {name: value for name, value in content.settings.items() if name not in HOLD_AT_ONCE}
    return replace(content, settings=settings)
