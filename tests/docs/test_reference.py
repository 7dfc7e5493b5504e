"""The documents list every path, error code, command and metric."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver
from prometheus_client.metrics import MetricWrapperBase

from apps_registry.support import metrics
from apps_registry.support.http.paths import API_PREFIXES
from chat.api.error_codes import ERROR_CODES
from tests.docs.markdown import NAMES, code_words, commands, section, text_of
from tests.root import ROOT

API_DOCUMENT, OPERATING_DOCUMENT = "docs/api.md", "docs/operating.md"
PRODUCT = ("aomi_site", "apps_registry", "chat", "keys", "sessions_app")
METHODS = ("get", "post", "patch", "put", "delete")


def routes(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Yield every path, its parameters in braces, with its view; the admin's own are Django's."""
    for pattern in patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if path.startswith("/admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback


def test_every_path_of_the_api_is_described_with_its_methods() -> None:
    shown = {word.partition("?")[0] for word in code_words(section(API_DOCUMENT, "Calls"))}
    for path, view in routes(get_resolver().url_patterns):
        if path.startswith(API_PREFIXES):
            methods = [name.upper() for name in METHODS if hasattr(view.view_class, name)]
            missing = {f"{method} {path}" for method in methods} - shown
            assert not missing, f"{API_DOCUMENT} lacks {sorted(missing)}"
        else:
            assert path in {word.removeprefix("GET ") for word in shown}, f"{API_DOCUMENT} lacks {path}"


def test_no_path_is_described_that_does_not_exist() -> None:
    known = {path for path, _ in routes(get_resolver().url_patterns)}
    table = section(API_DOCUMENT, "Calls").partition("Outside")[0]
    described = {word.split(" ")[1].partition("?")[0] for word in code_words(table) if re.match(r"[A-Z]+ /", word)}
    assert described <= known


def test_every_error_code_is_described() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)`", section(API_DOCUMENT, "Errors"), re.MULTILINE)
    assert {(int(status), code) for status, code in rows} == {(error.status, error.code) for error in ERROR_CODES}


def own_commands() -> dict[str, str]:
    """Our management commands, with the app of each."""
    ours = {config.name for config in apps.get_app_configs() if config.name in PRODUCT}
    return {name: app for name, app in get_commands().items() if isinstance(app, str) and app in ours}


def test_every_command_is_described() -> None:
    assert own_commands().keys() <= code_words(section(OPERATING_DOCUMENT, "Commands"))


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_shown_exists_with_its_options(name: str) -> None:
    known = get_commands()
    for command, options in commands(text_of(name)):
        assert command in known, f"{name} shows manage.py {command}, which does not exist"
        if command in own_commands():
            parser = load_command_class(own_commands()[command], command).create_parser("manage.py", command)
            taken = {word for action in parser._actions for word in action.option_strings}
            assert set(options) <= taken, f"{name} shows options that manage.py {command} does not take"


def test_every_metric_is_described_with_its_labels() -> None:
    table = section(OPERATING_DOCUMENT, "Metrics")
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(aomi_\w+)` \| (.*) \|$", table, re.MULTILINE)}
    counted = {value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)}
    names = {f"{metric._name}_total" if metric._type == "counter" else metric._name: metric for metric in counted}
    assert rows.keys() == names.keys()
    for name, metric in names.items():
        labels = set(metric._labelnames) - {"bus"}  # one value per deployment
        assert labels <= code_words(rows[name]), f"{OPERATING_DOCUMENT} lacks a label of {name}"


def test_the_readme_names_buttons_and_links_that_the_console_has() -> None:
    console = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(r"(?<!\*)\*([A-Z][A-Za-z ]+)\*(?!\*)", text_of("README.md")))
    assert {"Add an HTTP tool", "Open the App"} <= named
    assert [label for label in named if label not in console] == []
