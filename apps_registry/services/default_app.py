"""Changes the default App, and suggests a model for new Apps."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from apps_registry.models import App, Model


@transaction.atomic
def make_default(app: App) -> App | None:
    """Make an App the default App; return the former one (None if there was none, or if nothing changed).

    Args:
        app: an existing App; its row is read again.

    Raises:
        ValidationError: the App is turned off or deleted; nothing has changed.
    """
    # All Apps are locked in one order, so that two concurrent changes run one after the other. The lock mode does not
    # block the hot path: new sessions and turns only need the primary key of the App to stay the same.
    rows = {row.pk: row for row in App.objects.select_for_update(no_key=True).order_by("pk")}
    chosen = rows.get(app.pk)
    if chosen is None or not chosen.is_active:
        raise ValidationError("Only an active App can be the default App. Turn it on first.")
    if chosen.is_default:
        return None
    former = next((row for row in rows.values() if row.is_default), None)
    # Two statements in this order: the unique index never allows a second default App, while the trigger that requires
    # one waits for the commit.
    App.objects.filter(is_default=True).update(is_default=False, updated_at=Now())
    App.objects.filter(pk=chosen.pk).update(is_default=True, updated_at=Now())
    return former


def suggested_model() -> Model | None:
    """Return the suggested model for a new App: that of the default App, otherwise the newest that calls tools."""
    default_app = App.objects.select_related("default_model").filter(is_default=True).first()
    tool_models = Model.objects.filter(supports_tools=True).order_by("-pk")
    if default_app is not None and (default_app.default_model.supports_tools or not tool_models.exists()):
        return default_app.default_model
    return tool_models.first()
