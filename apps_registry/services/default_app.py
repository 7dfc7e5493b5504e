"""The default App: the switch from one to another, and the model that it suggests to new ones."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from apps_registry.models import App, Model


@transaction.atomic
def make_default(app: App) -> App | None:
    """Make an App the default one and return the App that was it until now (None: there was none, or this one).

    Args:
        app: an existing App; its row is read anew.

    Raises:
        ValidationError: the App is turned off or gone; nothing has changed.
    """
    # Every switch locks all Apps in one order, so that two operators who switch at once take turns. The mode
    # leaves the hot path alone: new sessions and turns only need the App's key to stay as it is.
    rows = {row.pk: row for row in App.objects.select_for_update(no_key=True).order_by("pk")}
    chosen = rows.get(app.pk)
    if chosen is None or not chosen.is_active:
        raise ValidationError("Only an active App can be the default App. Turn it on first.")
    if chosen.is_default:
        return None
    former = next((row for row in rows.values() if row.is_default), None)
    # Two statements in this order: the unique index allows no second default App even for a moment, while the
    # trigger that wants one waits for the commit.
    App.objects.filter(is_default=True).update(is_default=False, updated_at=Now())
    App.objects.filter(pk=chosen.pk).update(is_default=True, updated_at=Now())
    return former


def suggested_model() -> Model | None:
    """Return the model that a new App most likely wants: the default App's, or else the newest that calls tools."""
    usual = App.objects.select_related("default_model").filter(is_default=True).first()
    able = Model.objects.filter(supports_tools=True).order_by("-pk")
    if usual is not None and (usual.default_model.supports_tools or not able.exists()):
        return usual.default_model
    return able.first()
