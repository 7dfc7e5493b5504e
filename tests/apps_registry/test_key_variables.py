"""The environment decides which variable may be sent where; the console cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps_registry.credentials.provider_key import NoProviderKey
from apps_registry.models import App, EmbeddingModel, Provider
from apps_registry.retrieval.embeddings.base import EmbedderError
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.support.http.origins import origin_of
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ModelServer, ScriptedModel
from tests.product import Server
from tests.upstream import Upstream

CANARY = "canary-of-the-environment"


def test_a_variable_is_sent_to_its_origin_only(
    start: Callable[..., Server], app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    provider = app.default_model.provider
    pair = f"MODEL_KEY={origin_of(provider.base_url)}"
    Provider.objects.filter(pk=provider.pk).update(api_key_env="MODEL_KEY")
    thief = factories.make_app(base_url=f"{upstream.url}/v1")
    stopped = thief.default_model.provider
    Provider.objects.filter(pk=stopped.pk).update(api_key_env="MODEL_KEY")
    server = start(MODEL_KEY=CANARY, PROVIDER_KEY_VARIABLES=f"OTHER=https://a.example, {pair}")
    for caller_app in (app, thief):
        with Client(server.url, app=caller_app.slug, key=factories.make_key(caller_app).plain) as client:
            answer = client.post_chat("Hi")
            assert answer.status_code == (200 if caller_app is app else 502)
    assert model.requests[0]["headers"]["Authorization"] == f"Bearer {CANARY}"
    assert not upstream.received
    words = f"the provider {stopped.slug} cannot be called: the setting PROVIDER_KEY_VARIABLES does not contain"
    assert f"{words} MODEL_KEY={origin_of(upstream.url)}" in server.log
    assert f"the provider {provider.slug} cannot" not in server.log
    assert CANARY not in server.log


def test_the_rule_applies_to_embedding_models(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", CANARY)
    provider = Provider.objects.create(
        slug=factories.unique("p"), base_url=f"{upstream.url}/v1", api_key_env="MODEL_KEY"
    )
    row = EmbeddingModel.objects.create(
        name=factories.unique("e"), provider=provider, provider_model_id="e", dimensions=8
    )
    config = EmbeddingConfig(row.pk, 8, "e", provider.base_url, "MODEL_KEY", provider.pk, "", [])
    with pytest.raises(EmbedderError, match="PROVIDER_KEY_VARIABLES"):
        async_to_sync(config.embedder.embed)(["text"])
    assert not upstream.received


def test_the_rule_applies_to_app_files(manage: Callable[..., Result], upstream: Upstream, tmp_path: Path) -> None:
    slug = factories.unique("filed")
    file = tmp_path / "app.yaml"
    file.write_text(
        f"app_file: 1\nslug: {slug}\nname: x\ndefault_model: {slug}\n"
        f"providers:\n- slug: {slug}\n  base_url: {upstream.url}/v1\n  api_key_env: HOME\n"
        f"models:\n- name: {slug}\n  provider: {slug}\n  provider_model_id: m\n"
    )
    for words in ((), ("--apply",)):
        done = manage("import_app", str(file), *words)
        assert done.code == 1
        assert "PROVIDER_KEY_VARIABLES does not contain HOME=" in done.err
    assert not Provider.objects.filter(slug=slug).exists()


@pytest.mark.parametrize(
    ("pairs", "base_url", "is_sent"),
    [
        ({("K", "https://a.example:443")}, "https://A.example/v1", True),
        ({("K", "https://a.example:443")}, "https://a.example:443", True),
        ({("K", "https://a.example:443")}, "http://a.example/v1", False),
        ({("K", "https://a.example:443")}, "https://a.example:444/v1", False),
        ({("K", "https://a.example:443")}, "https://a.example./v1", False),
        ({("K", "https://a.example:443")}, "https://a.example.evil.example/v1", False),
        ({("K", "https://a.example:443")}, "https://a.example:x/v1", False),
        ({("K", "http://[::1]:80")}, "http://[::1]/v1", True),
        ({("L", "https://a.example:443")}, "https://a.example/v1", False),
    ],
)
def test_origins_are_compared_whole(
    pairs: set[tuple[str, str]],
    base_url: str,
    is_sent: bool,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("K", CANARY)
    settings.PROVIDER_KEY_VARIABLES = pairs
    key = Provider(pk=1, slug="p", base_url=base_url, api_key_env="K").key
    if is_sent:
        assert key.value() == CANARY
    else:
        with pytest.raises(NoProviderKey):
            key.value()


def test_a_key_given_to_the_seed_is_stored_encrypted(
    manage_empty: Callable[..., Result], model_server: ModelServer
) -> None:
    variables = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": model_server.base_url, "OPENAI_MODEL": "m1"}
    made = manage_empty("seed_default_app", more=variables)
    assert made.code == 0, made.err
    assert CANARY not in made.out + made.err
    show = "from apps_registry.models import Provider as P; p = P.objects.get(); print(p.key.value(), p.api_key_env)"
    assert manage_empty("shell", "-v0", "-c", show).out.split() == [CANARY]
    lacking = manage_empty("seed_default_app", "--model", "m", "--base-url", "https://a.example", "--api-key-env", "NO")
    assert lacking.code == 0, "an App that exists needs no key"


def test_a_seed_without_its_key_says_so(manage_empty: Callable[..., Result]) -> None:
    words = ("seed_default_app", "--model", "m", "--base-url", "https://a.example", "--api-key-env", "ABSENT_KEY")
    done = manage_empty(*words)
    assert (done.code, "the variable ABSENT_KEY is not set" in done.err) == (1, True)
    production = {
        "AOMI_ENV": "production",
        "SECRET_KEY": "aB3xYz-9" * 8,
        "ALLOWED_HOSTS": "a.example",
        "SECRETS_KEYS": "",
    }
    done = manage_empty(*words, more={**production, "ABSENT_KEY": CANARY})
    assert (done.code, "SECRETS_KEYS is not set" in done.err, CANARY in done.err) == (1, True, False)
