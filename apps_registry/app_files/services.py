"""Importing an App file: planning shows the changes; applying makes all of them, or none."""

from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.current import content_of
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.reading import AppFile
from apps_registry.app_files.rows import write_rows
from apps_registry.app_files.tools_fit import refuse_unsupported_tools
from apps_registry.app_files.writing import content_diff
from apps_registry.models import App, EmbeddingModel, Model
from apps_registry.services.plan import PlanChanged
from apps_registry.services.secrets import secrets_to_set
from apps_registry.support.fingerprint import fingerprint


@dataclass(frozen=True, slots=True)
class AppFilePlan:
    """The changes that importing a file would make.

    Attributes:
        slug: of the App.
        before: the current content; None if there is no such App.
        after: the content in the file.
        created: descriptions of the providers and models that would be created.
        secrets: descriptions of the secrets that its tools send and that are not set or not allowed for their hosts.
    """

    slug: str
    before: AppContent | None
    after: AppContent
    created: tuple[str, ...]
    secrets: tuple[str, ...]

    @property
    def does_something(self) -> bool:
        """Whether applying it would change the App."""
        return self.before != self.after

    def diff(self) -> list[str]:
        """Return the lines that differ, with context, each beginning with -, + or a space."""
        return content_diff(self.before, self.after)

    def digest(self) -> str:
        """Return a digest that differs from that of any other plan."""
        return fingerprint(self.before and self.before.as_data(), self.after.as_data(), self.created)


def plan_import(file: AppFile) -> AppFilePlan:
    """Return what importing a file would change, without changing anything.

    Raises:
        AppFileError: the file cannot be imported here; the message names what is missing.
    """
    app = App.objects.filter(slug=file.content.slug).select_related("default_model", "embedding_model").first()
    content = file.content if file.content.default_model else _with_model(file.content, app)
    _check_models(content, file)
    file.definitions.check_providers()
    _check_documents(app, file)
    refuse_unsupported_tools(content, file.definitions)
    secrets = tuple(secrets_to_set(app, content.secrets()))
    before = content_of(app) if app else None
    return AppFilePlan(content.slug, before, content, tuple(file.definitions.missing()), secrets)


@transaction.atomic
def apply_import(file: AppFile, *, digest: str) -> AppFilePlan:
    """Apply a plan that the operator has confirmed; returns the plan that was applied.

    Args:
        file: the file.
        digest: of the plan that the operator confirmed.

    Raises:
        PlanChanged: the App has changed since, so that importing would make other changes.
        AppFileError: the file cannot be imported; nothing was changed.
    """
    # Also lock the default App, which always exists: otherwise two imports of the same new App could both create it.
    concerned = App.objects.filter(Q(slug=file.content.slug) | Q(is_default=True))
    list(concerned.select_for_update(no_key=True).order_by("pk"))
    plan = plan_import(file)
    if plan.digest() != digest:
        raise PlanChanged
    if plan.does_something:
        file.definitions.make_missing()
        write_rows(plan.after, file.files)
    return plan


def _with_model(content: AppContent, app: App | None) -> AppContent:
    """Fill in a missing default model: an existing App keeps its own, a new App gets the default App's."""
    source = app or App.objects.filter(is_default=True).select_related("default_model").first()
    if source is None:
        raise AppFileError("default_model: this is missing, and there is no default App whose model could be used.")
    name = source.default_model.name
    return replace(content, default_model=name, alternative_models=_without(content.alternative_models, name))


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)


def _check_models(content: AppContent, file: AppFile) -> None:
    names = {content.default_model, *content.alternative_models}
    known = set(Model.objects.filter(name__in=names).values_list("name", flat=True)) | set(file.definitions.models)
    for name in sorted(names - known):
        raise AppFileError(f"There is no model {name!r}, and the file does not define it under models.")
    embedding_name = content.embedding_model
    is_defined = not embedding_name or embedding_name in file.definitions.embedding_models
    if not is_defined and not EmbeddingModel.objects.filter(name=embedding_name).exists():
        raise AppFileError(f"embedding_model: there is no {embedding_name!r}, and the file does not define it.")


def _check_documents(app: App | None, file: AppFile) -> None:
    known = set(app.documents.values_list("content_hash", flat=True)) if app else set()
    for document in file.content.documents:
        if document.sha256 not in file.files and document.sha256 not in known:
            raise AppFileError(
                f"documents: the file does not contain {document.name}, and the App does not have it: export with "
                "--output, which writes such documents next to the file, or ingest it first."
            )
