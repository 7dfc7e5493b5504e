"""Settings: production requires secrets, local mode creates them, and docs/configuration.md lists all settings."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import section
from tests.root import ROOT

PRODUCTION = {
    "AOMI_ENV": "production",
    "SECRET_KEY": "production-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "apps.example.com",
    "DATABASE_URL": "postgresql://aomi:secret-password@127.0.0.1:9/aomi",
}


def run(*command: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run Python in the project with only these variables; None removes one."""
    variables = {name: value for name, value in {**PRODUCTION, **environment}.items() if value is not None}
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.thorough
def test_a_deployment_that_is_configured_passes_djangos_own_check() -> None:
    checked = run("-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no secret key": ({"SECRET_KEY": None}, "SECRET_KEY"),
    "a short secret key": ({"SECRET_KEY": "short"}, "SECRET_KEY"),
    "Django's insecure key": ({"SECRET_KEY": "django-insecure-" + "x1y2z3" * 20}, "SECRET_KEY"),
    "one letter over and over": ({"SECRET_KEY": "x" * 60}, "SECRET_KEY"),
    "debug": ({"DEBUG": "true"}, "DEBUG"),
    "a misspelt switch": ({"DEBUG": "banana"}, "DEBUG is 'banana'; it must be 'on' or 'off'"),
    "a number in words": ({"DATABASE_POOL_SIZE": "ten"}, "DATABASE_POOL_SIZE is 'ten'"),
    "a pool of nothing": (
        {"DATABASE_POOL_SIZE": "0"},
        "DATABASE_POOL_SIZE is '0'; it must be a whole number",
    ),
    "a negative number": ({"HSTS_SECONDS": "-1"}, "HSTS_SECONDS"),
    "no time at all": ({"TURN_TIMEOUT_SECONDS": "0"}, "TURN_TIMEOUT_SECONDS"),
    "no number": ({"TURN_LEASE_SECONDS": "nan"}, "TURN_LEASE_SECONDS"),
    "endless": ({"CONFIRMATION_SECONDS": "inf"}, "CONFIRMATION_SECONDS"),
    "an unknown log level": ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    "no hosts": ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS"),
    "no database": ({"DATABASE_URL": None}, "DATABASE_URL"),
    "another kind of database": ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL"),
    "a port in words": ({"DATABASE_URL": "postgresql://u:secret-password@h:port/d"}, "DATABASE_URL"),
    "a proxy that is no address": ({"TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "TRUSTED_PROXIES contains 'proxy'"),
    "a network with host bits": ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "TRUSTED_PROXIES contains '10.0.0.1/8'"),
    "the retired proxy header": ({"PROXY_PROTO_HEADER": "X-Forwarded-Proto"}, "TRUSTED_PROXIES"),
    "an unknown mode": ({"AOMI_ENV": "staging"}, "AOMI_ENV"),
}


@pytest.mark.parametrize(("environment", "named"), REFUSED.values(), ids=REFUSED)
def test_production_refuses_to_start_and_names_the_setting(environment: dict[str, str | None], named: str) -> None:
    refused = run("-c", "import aomi_site.asgi", **environment)
    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured")
    assert named in last
    assert "secret-password" not in refused.stderr


def test_gunicorn_reports_invalid_settings_in_one_sentence() -> None:
    refused = run("-m", "gunicorn", "-c", "aomi_site/gunicorn_config.py", "aomi_site.asgi", WEB_CONCURRENCY="0")
    assert refused.returncode == 1
    assert refused.stderr.strip() == "Error: WEB_CONCURRENCY is '0'; it must be a whole number, at least 1."


def test_an_empty_number_counts_as_not_set() -> None:
    show = "from django.conf import settings; print(settings.DATABASE_POOL_SIZE, settings.DEBUG)"
    code = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'aomi_site.settings'; {show}"
    assert run("-c", code, DATABASE_POOL_SIZE="", DEBUG="off").stdout.split() == ["10", "False"]


def test_a_command_reports_invalid_settings_in_one_sentence() -> None:
    refused = run("manage.py", "list_keys", SECRET_KEY=None)
    assert refused.returncode == 1
    assert "SECRET_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_local_mode_makes_a_secret_key_once_and_keeps_it_private(tmp_path: Path) -> None:
    local = {"AOMI_ENV": "local", "SECRET_KEY": None, "ALLOWED_HOSTS": None, "AOMI_DATA_DIR": str(tmp_path)}
    show = "from django.conf import settings; print(settings.SECRET_KEY, settings.ALLOWED_HOSTS)"
    code = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'aomi_site.settings'; {show}"
    shown = [run("-c", code, **local).stdout for _ in range(2)]
    assert shown[0] == shown[1] != ""
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def settings_read() -> set[str]:
    """Every name that settings.py and gunicorn's configuration read from the environment."""
    names = set()
    for module in ("settings.py", "gunicorn_config.py"):
        for node in ast.walk(ast.parse((ROOT / "aomi_site" / module).read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = ast.unparse(node.func)
                if called.startswith("env.") or called == "os.environ.get":
                    names.add(str(node.args[0].value))
    return names


def configuration_table() -> str:
    return section("docs/configuration.md", "All settings")


def test_the_configuration_lists_every_setting_and_no_other() -> None:
    listed = set(re.findall(r"^\| `([A-Z_]+)`", configuration_table(), re.MULTILINE))
    elsewhere = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"}  # what quickstart and seed_default_app look for
    assert listed - elsewhere == settings_read()


def test_the_configuration_gives_the_defaults() -> None:
    numbers = dict(re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", configuration_table(), re.MULTILINE))
    show = f"from django.conf import settings; print([getattr(settings, name, None) for name in {list(numbers)}])"
    code = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'aomi_site.settings'; {show}"
    used = dict(zip(numbers, ast.literal_eval(run("-c", code).stdout), strict=True))
    assert used.pop("WEB_CONCURRENCY") is None  # gunicorn's own
    assert used == {name: float(numbers[name]) for name in used}
    assert len(used) > 10
