"""Rules that PostgreSQL enforces, whichever code writes."""

import pytest
from django.db import DataError, IntegrityError, transaction

from apps_registry.models import App, RegistryRevision, Tool
from tests import factories


def default_app() -> App:
    return App.objects.get(is_default=True)


def test_there_is_never_a_second_default_app(app: App) -> None:
    with pytest.raises(IntegrityError, match="app_only_one_default"):
        App.objects.filter(pk=app.pk).update(is_default=True)


def test_the_default_app_cannot_be_removed(app: App) -> None:
    with pytest.raises(IntegrityError, match="exactly one default App"):
        default_app().delete()
    with pytest.raises(IntegrityError, match="exactly one default App"):
        App.objects.filter(is_default=True).update(is_default=False)
    with pytest.raises(IntegrityError, match="app_default_is_active"):
        App.objects.filter(is_default=True).update(is_active=False)


def test_another_app_can_take_its_place_in_one_transaction(app: App) -> None:
    was = default_app()
    for new, old in ((app, was), (was, app)):
        with transaction.atomic():
            App.objects.filter(pk=old.pk).update(is_default=False)
            App.objects.filter(pk=new.pk).update(is_default=True)
        assert default_app() == new


@pytest.mark.parametrize("slug", ["", "x", "Upper", "under_score", "-x", "x-", "ünï", "a b", "а-cyrillic", "a" * 41])
def test_slugs_are_plain(slug: str) -> None:
    with pytest.raises((IntegrityError, DataError), match="app_slug_is_plain|too long"):
        factories.make_app(slug=slug)


def test_a_tool_is_in_an_app_once(app: App) -> None:
    with pytest.raises(IntegrityError, match="tool_name_once_per_app"):
        Tool.objects.create(app=app, name="CALCULATE")


@pytest.mark.parametrize("change", ["app", "tool", "model", "provider", "alternatives", "delete"])
def test_every_change_raises_the_revision(app: App, change: str) -> None:
    before = RegistryRevision.objects.get().number
    match change:
        case "app":
            App.objects.filter(pk=app.pk).update(preamble="new")
        case "tool":
            app.tools.update(is_enabled=False)
        case "model":
            app.default_model.save()
        case "provider":
            app.default_model.provider.save()
        case "alternatives":
            app.alternatives.add(factories.make_model())
        case "delete":
            app.delete()
    assert RegistryRevision.objects.get().number > before
