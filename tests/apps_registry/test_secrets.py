"""Stored secrets cannot be read without their key, in another row or after a change; a command encrypts them again."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from apps_registry.credentials.encryption import NoKeys, Unreadable, decrypt, encrypt
from apps_registry.models import App
from tests import factories
from tests.aomi_site.test_settings import run
from tests.commands import Result, run_manage

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
BINDING = "app:1:secret:KEY"


def test_a_stored_secret_reveals_nothing_and_decrypts_only_in_its_row() -> None:
    token = encrypt("the-value", binding=BINDING, keys=[OLD])
    assert "the-value" not in token
    assert decrypt(token, binding=BINDING, keys=[NEW, OLD]) == "the-value"
    for binding in ("app:2:secret:KEY", "app:1:secret:KEY2", ""):
        with pytest.raises(Unreadable, match="another row"):
            decrypt(token, binding=binding, keys=[OLD])


@pytest.mark.parametrize("position", [0, 10, 30, 60, -5])
def test_a_changed_token_is_an_error_and_never_text(position: int) -> None:
    token = encrypt("the-value", binding=BINDING, keys=[OLD])
    letter = "A" if token[position] != "A" else "B"
    changed = token[:position] + letter + token[position:][1:]
    for bad in (changed, token[:-8], "", "the-value", "ü", "null"):
        with pytest.raises(Unreadable):
            decrypt(bad, binding=BINDING, keys=[OLD])


def test_without_the_key_there_is_no_value() -> None:
    token = encrypt("the-value", binding=BINDING, keys=[OLD])
    for keys in ([NEW], []):
        with pytest.raises(Unreadable):
            decrypt(token, binding=BINDING, keys=keys)
    with pytest.raises(NoKeys):
        encrypt("the-value", binding=BINDING, keys=[])


def test_rotation_moves_everything_under_the_first_key(environment: dict[str, str], app: App, settings: Any) -> None:
    keys_of_the_tests = settings.SECRETS_KEYS
    settings.SECRETS_KEYS = [OLD]
    for number in range(3):
        factories.make_secret(app, f"KEY_{number}", f"value-number-{number}")
    before = dict(app.secrets.values_list("name", "updated_at"))

    def rotate(*keys: str) -> Result:
        return run_manage("rotate_secrets", environment={**environment, "SECRETS_KEYS": ",".join(keys)})

    done = rotate(NEW, OLD, *keys_of_the_tests)
    assert app.slug not in done.err  # other tests leave secrets that nobody can read
    assert "with the first key" in done.out
    values = {secret.name: decrypt(secret.token, binding=secret.binding, keys=[NEW]) for secret in app.secrets.all()}
    assert values == {f"KEY_{number}": f"value-number-{number}" for number in range(3)}
    assert dict(app.secrets.values_list("name", "updated_at")) == before  # no value was set

    tokens = set(app.secrets.values_list("token", flat=True))
    lost = rotate(Fernet.generate_key().decode())
    assert lost.code == 1
    assert f"KEY_0 of the App {app.slug} cannot be read" in lost.err
    assert set(app.secrets.values_list("token", flat=True)) == tokens
    assert "value-number" not in done.out + lost.out + lost.err


def test_an_invalid_key_prevents_the_start() -> None:
    refused = run("-c", "import aomi_site.asgi", SECRETS_KEYS="not-a-key-of-mine")
    assert refused.returncode != 0
    assert "SECRETS_KEYS contains an invalid key" in refused.stderr
    assert "not-a-key-of-mine" not in refused.stderr


def test_local_mode_makes_a_key_once_and_keeps_it_private(tmp_path: Path) -> None:
    local = {"AOMI_ENV": "local", "SECRET_KEY": None, "ALLOWED_HOSTS": None, "AOMI_DATA_DIR": str(tmp_path)}
    show = "from django.conf import settings; print(settings.SECRETS_KEYS)"
    code = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'aomi_site.settings'; {show}"
    shown = [run("-c", code, **local).stdout for _ in range(2)]
    assert shown[0] == shown[1] != ""
    assert (tmp_path / "secrets_key").stat().st_mode & 0o777 == 0o600
