"""What the model gets: preamble, history within the budget, sampling."""

from apps_registry.models import App, AppModel, Model
from tests import factories
from tests.client import Client
from tests.model_server import ModelServer, ScriptedModel, says

LONG = "word " * 700  # about 1,000 tokens


def contents(prompt: list[dict[str, str]]) -> list[str]:
    return [message["content"].split()[0] for message in prompt]


def test_preamble_and_sampling_are_the_apps(app_client: Client, app: App, model: ScriptedModel) -> None:
    app.tools.all().delete()  # otherwise the prompt mentions them
    App.objects.filter(pk=app.pk).update(preamble="Be brief.", temperature=0.2, top_p=0.9, max_reply_tokens=50)
    app_client.chat("Hi")
    request = model.requests[0]
    assert request["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert (request["temperature"], request["top_p"], request["max_tokens"]) == (0.2, 0.9, 50)
    assert request["stream"] is True


def test_a_change_of_the_app_takes_effect_with_the_next_request_to_every_worker(
    app_client: Client, app: App, model: ScriptedModel
) -> None:
    for _ in range(6):
        app_client.chat("Hi")
    App.objects.filter(pk=app.pk).update(preamble="Changed.")
    for _ in range(6):
        app_client.chat("Hi")
    assert [prompt[0]["content"].split()[0] for prompt in model.prompts[6:]] == ["Changed."] * 6


def test_history_is_cut_to_whole_turns_newest_first(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(history_budget_tokens=2_200, preamble="Preamble")
    for number in range(4):
        model.will(says(f"a{number} {LONG}"))
        app_client.chat(f"q{number}")
    # Two turns of about 1,010 tokens fit, the third would not; none is halved.
    assert contents(model.prompts[3]) == ["Preamble", "q1", "a1", "q2", "a2", "q3"]


def test_preamble_and_message_are_sent_whatever_the_budget(app_client: Client, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(history_budget_tokens=0, preamble="Preamble")
    app_client.chat("first")
    app_client.chat(f"second {LONG}")
    assert contents(model.prompts[1]) == ["Preamble", "second"]


def test_a_small_window_cuts_the_history_too(app_client: Client, model: ScriptedModel) -> None:
    Model.objects.filter(name=model.model_id).update(context_window=4_096)
    for number in range(5):
        model.will(says(f"a{number} {LONG}"))
        app_client.chat(f"q{number}")
    assert len(contents(model.prompts[4])) < 7
    assert contents(model.prompts[4])[-1] == "q4"


def test_the_provider_gets_its_own_key_and_nothing_of_ours(app_client: Client, app: App, model: ScriptedModel) -> None:
    app_client.chat("Hi")
    sent = str(model.requests[0])
    assert app_client.key is not None
    assert app_client.key not in sent
    assert app_client.session_id not in sent


def test_models_are_listed_default_first(app_client: Client, app: App, model_server: ModelServer) -> None:
    second, third = (factories.make_model(model_server.base_url) for _ in range(2))
    AppModel.objects.create(app=app, model=third, position=1)
    AppModel.objects.create(app=app, model=second, position=0)
    expected = [app.default_model.name, second.name, third.name]
    for path in ("/api/control/models", "/api/session/models"):
        assert app_client.request("GET", path, params={"app": app.slug}).json() == expected
    app_client.chat("Hi")
    assert app_client.request("GET", "/api/control/models").json() == expected  # of the session's App


def test_models_without_an_app_are_the_default_apps(client: Client, default_model: Model) -> None:
    assert client.request("GET", "/api/control/models").json() == [default_model.name]


def test_a_session_chooses_its_model(app_client: Client, app: App, model_server: ModelServer) -> None:
    other = factories.make_model(model_server.base_url)
    AppModel.objects.create(app=app, model=other, position=0)
    chosen = app_client.request("POST", "/api/control/model", params={"rig": other.name, "app": app.slug})
    assert chosen.json() == {"success": True, "rig": other.name, "baml": other.name, "created": True}
    for _ in range(4):  # on whichever worker
        app_client.chat("Hi")
    assert len(model_server.requests(other.provider_model_id)) == 4
    back = app_client.request("POST", "/api/session/model", params={"rig": app.default_model.name})
    assert back.json()["created"] is False
    app_client.chat("Hi")
    assert len(model_server.requests(app.default_model.provider_model_id)) == 1
    for bad in ("no-such-model", "", None):
        answer = app_client.request("POST", "/api/control/model", params={"rig": bad} if bad is not None else {})
        assert answer.status_code == 400
        assert other.name in answer.json()["detail"]


def test_if_the_app_drops_a_chosen_model_the_default_answers(
    app_client: Client, app: App, model: ScriptedModel, model_server: ModelServer
) -> None:
    other = factories.make_model(model_server.base_url)
    dropped = AppModel.objects.create(app=app, model=other, position=0)
    app_client.request("POST", "/api/control/model", params={"rig": other.name, "app": app.slug})
    dropped.delete()
    app_client.chat("Hi")
    assert len(model.requests) == 1
