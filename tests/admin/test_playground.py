"""The playground: operators talk to Apps as callers do; no key is charged for their turns, and no caller opens them."""

import json
import shlex
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from django.test import Client as Browser

from apps_registry.models import App, AppModel, Tool
from apps_registry.releases.services import publish
from apps_registry.values import OPERATORS_KEY_ID
from keys.models import Usage
from sessions_app.models import ChatSession, Turn
from tests import factories
from tests.admin.conftest import CSRF_TOKEN, PAYLOAD, over_http
from tests.client import Client
from tests.model_server import ModelServer, ScriptedModel, calls, says
from tests.product import NO_TLS, Server
from tests.sse import events_of
from tests.upstream import Upstream
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
WEATHER = {"name": "get_weather", "description": "The weather.", "parameters": {"type": "object"}}


class Playground:
    """The playground of an App, as its page uses it."""

    def __init__(self, http: httpx2.Client, app: App) -> None:
        self.http, self.app = http, app
        page = http.get(f"/admin/apps_registry/app/{app.pk}/playground/")
        assert page.status_code == 200
        self.page = page.text
        self.session_id = ""

    def post(self, **asked: Any) -> httpx2.Response:
        headers = {"X-CSRFToken": CSRF_TOKEN, "Referer": str(self.http.base_url), "Accept": "text/event-stream"}
        body = {"session_id": self.session_id, "channel": "draft", **asked}
        return self.http.post(f"/admin/live/playground/{self.app.pk}/", json=body, headers=headers)

    def ask(self, message: str = "Hi", **asked: Any) -> list[dict[str, Any]]:
        """Send a message, or an answer, and return the events of the turn."""
        answer = self.post(**{"message": message, **asked})
        assert answer.headers["Content-Type"] == "text/event-stream", answer.text
        events = events_of(answer)
        self.session_id = events[0]["session_id"]
        return events


@pytest.fixture
def playground(operator_http: httpx2.Client, app: App) -> Playground:
    return Playground(operator_http, app)


def of_type(events: list[dict[str, Any]], type_: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == type_]


def test_each_step_of_a_turn_is_shown_with_its_cost(
    playground: Playground, app: App, model: ScriptedModel, admin_client: Browser
) -> None:
    app.default_model.prompt_price = app.default_model.completion_price = 1_000
    app.default_model.save()
    model.will(calls(("calculate", {"expression": "6*7"}), ("no_such", "{")), says("It is ", "**42**."))
    events = playground.ask("6*7?", public_key=WALLET)
    first, second = of_type(events, "round")
    assert [(call["place"], call["name"], json.loads(call["arguments"])) for call in first["calls"][:1]] == [
        (0, "calculate", {"expression": "6*7"})
    ]
    results = {event["name"]: (event["result"], event["failed"]) for event in of_type(events, "result")}
    assert "42" in results["calculate"][0]
    assert "there is no tool" in results["no_such"][0]
    assert {name: failed for name, (_, failed) in results.items()} == {"calculate": False, "no_such": True}
    assert "".join(event["text"] for event in of_type(events, "text")) == "It is **42**."
    assert (second["model"], second["tokens"], second["cost"]) == (app.default_model.name, "10 + 2", "$0.012")
    (end,) = of_type(events, "end")
    assert (end["status"], end["cost"], end["questions"]) == ("completed", "$0.012", [])
    assert end["replies"][-1]["html"].strip() == "<p>It is <strong>42</strong>.</p>"
    assert 0 <= second["first"] <= second["milliseconds"] <= second["at"] <= end["milliseconds"]
    session = ChatSession.objects.get(pk=playground.session_id)
    assert (session.wallet_address, session.wallet_is_proven) == (WALLET, False)
    page = admin_client.get(f"/admin/sessions_app/chatsession/{session.pk}/change/").content.decode()
    failed = '<span class="aomi-badge is-bad">failed</span>'
    assert f"<code>no_such</code> {failed}" in page
    assert page.count(failed) == 1


def test_the_turns_are_the_operators_in_usage_and_count_for_no_key(
    playground: Playground, app: App, model: ScriptedModel, manage: Callable[..., Any], admin_client: Browser
) -> None:
    end = playground.ask()[-1]
    assert end["status"] == "completed"
    turn = Turn.objects.get(session=uuid.UUID(playground.session_id))
    assert turn.app_key_id == OPERATORS_KEY_ID
    (row,) = json.loads(manage("usage", "--by", "key", "--app", app.slug, "--json").out)
    assert (row["key"], row["turns"], row["prompt_tokens"]) == ("operators", 1, 10)
    assert json.loads(manage("usage", "--key", "operators", "--app", app.slug, "--json").out)[0]["turns"] == 1
    assert not Usage.objects.filter(app_id=app.pk).exclude(app_key_id=OPERATORS_KEY_ID).exists()
    shown = admin_client.get(f"/admin/sessions_app/turn/{turn.pk}/change/").content.decode()
    assert "an operator's, from the playground" in " ".join(shown.replace("&#x27;", "'").split())
    conversation = admin_client.get(f"/admin/sessions_app/chatsession/{turn.session_id}/change/").content.decode()
    assert "an operator tries it in the playground" in conversation


def test_a_limit_of_the_app_also_applies_in_the_playground(playground: Playground, app: App) -> None:
    from keys.models import LimitSet

    LimitSet.objects.create(subject=f"app:{app.pk}", tokens_per_day=1)
    refused = playground.post(message="Hi")
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
    assert not Turn.objects.filter(app=app).exists()


def test_the_list_of_conversations_distinguishes_sessions_of_operators_and_callers(
    playground: Playground, app: App, admin_client: Browser
) -> None:
    callers = factories.make_session(app, [("user", "Hi")])
    playground.ask()
    path = f"/admin/sessions_app/chatsession/?app__id__exact={app.pk}"
    assert admin_client.get(path).content.decode().count("operator&#x27;s playground") == 1
    for chosen, session_id in (("playground", playground.session_id), ("callers", str(callers.pk))):
        answer = admin_client.get(f"{path}&from={chosen}")
        assert [str(each.pk) for each in answer.context["cl"].result_list] == [session_id]


def test_no_caller_opens_continues_lists_or_recalls_an_operators_session(
    playground: Playground, app: App, server: Server, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(sessions_readable_by_id=True, recalls_earlier_sessions=True)
    playground.ask("The operator's secret", public_key=WALLET)
    id_ = playground.session_id
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain, session_id=id_) as caller:
        reads = {
            *(("GET", "/api/state"), ("GET", "/api/updates"), ("GET", f"/api/sessions/{id_}"), ("GET", "/api/events")),
            *(("POST", "/api/interrupt"), ("DELETE", f"/api/sessions/{id_}"), ("PATCH", f"/api/sessions/{id_}")),
        }
        for method, path in reads:
            answer = caller.request(method, path, params={"title": "Mine"})
            assert answer.status_code == 404, (path, answer.text)
        answer = caller.request("POST", "/api/chat", params={"message": "Hi", "app": app.slug})
        assert answer.status_code in {403, 404, 409}, answer.text
        assert "secret" not in answer.text
        answer_body = {"type": "confirm_tool", "payload": {"call_id": str(uuid.uuid4()), "approved": True}}
        assert caller.request("POST", "/api/system", json={"message": json.dumps(answer_body)}).status_code == 404
    with Client(server.url, app=app.slug, key=caller.key) as other:
        listed = other.request("GET", "/api/sessions", params={"public_key": WALLET}).json()
        assert [each["session_id"] for each in listed] == []
        other.chat("The words of a caller", public_key=WALLET)
        assert "The operator's secret" not in json.dumps(model.requests[-1])
    # Sessions of operators recall one another, and none of a caller.
    again = Playground(playground.http, app)
    again.ask("And now?", public_key=WALLET)
    prompt = json.dumps(model.requests[-1])
    assert "The operator's secret" in prompt
    assert "words of a caller" not in prompt


def test_an_operator_opens_no_callers_session(playground: Playground, app: App, app_client: Client) -> None:
    app_client.chat("Hi")
    for session_id in (app_client.session_id, str(uuid.uuid4())):
        playground.session_id = session_id
        for asked in ({"message": "Hi"}, {"stop": "1"}, {"answer": {"type": "confirm_tool", "payload": {}}}):
            assert playground.post(**asked).status_code == 404
    assert Turn.objects.filter(session=app_client.uuid).count() == 1


def test_confirmations_and_the_callers_tools_are_answered_here(
    playground: Playground, app: App, model: ScriptedModel
) -> None:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True)
    Tool.objects.filter(app=app, name="calculate").update(needs_confirmation=True)
    model.will(calls(("calculate", {"expression": "6*7"}), ("get_weather", {})), says("42, and sunny."))
    end = playground.ask("Go", client_tools=json.dumps([WEATHER]))[-1]
    assert end["status"] == "paused"
    questions = {question["name"]: question for question in end["questions"]}
    assert (questions["calculate"]["kind"], questions["get_weather"]["kind"]) == ("confirm_tool", "client_tool")
    payload: dict[str, Any] = {"call_id": questions["calculate"]["id"], "approved": True}
    assert playground.post(answer={"type": "confirm_tool", "payload": payload}).json() == {}
    payload = {"call_id": questions["get_weather"]["id"], "result": {"sky": "sunny"}}
    events = playground.ask("", answer={"type": "client_tool", "payload": payload})
    assert {event["name"]: "sunny" in event["result"] for event in of_type(events, "result")} == {
        "calculate": False,
        "get_weather": True,
    }
    assert events[-1]["status"] == "completed"
    assert "42, and sunny." in events[-1]["replies"][-1]["html"]
    refused = playground.post(answer={"type": "client_tool", "payload": payload})
    assert refused.status_code == 410
    assert playground.post(answer={"type": "nonsense"}).status_code == 400


def test_the_draft_and_each_release_answer_as_chosen(playground: Playground, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(preamble="First.")
    first, _ = publish(App.objects.get(pk=app.pk))
    App.objects.filter(pk=app.pk).update(preamble="Second.")
    publish(App.objects.get(pk=app.pk))
    App.objects.filter(pk=app.pk).update(preamble="Draft.")
    for channel, preamble in {"draft": "Draft.", "live": "Second.", f"release:{first.pk}": "First."}.items():
        playground.session_id = ""
        playground.ask(channel=channel)
        assert model.requests[-1]["messages"][0]["content"].startswith(preamble)
    assert playground.post(message="Hi", channel="draft").status_code in {403, 404, 409}  # it began with a release
    for unknown in ("release:0", "release:x", "canary", f"release:{'9' * 30}"):
        assert playground.post(message="Hi", channel=unknown).status_code == 404


def test_the_model_is_chosen_among_those_of_the_app(
    playground: Playground, app: App, model_server: ModelServer
) -> None:
    other = factories.make_model(model_server.base_url)
    AppModel.objects.create(app=app, model=other)
    assert playground.ask(model=other.name)[-1]["model"] == other.name
    assert playground.ask(model="unknown")[-1]["model"] == app.default_model.name


def test_a_model_that_fails_is_shown_with_what_was_tried(
    playground: Playground, app: App, model: ScriptedModel
) -> None:
    from tests.model_server import refuses

    model.will(refuses(401))
    end = playground.ask()[-1]
    assert (end["status"], end["code"]) == ("failed", "model_error")
    assert end["attempts"][0]["code"] == "http_401"


def test_a_turn_is_tried_again_after_the_messages_before_it(
    operator_http: httpx2.Client, app: App, app_client: Client, model: ScriptedModel
) -> None:
    model.will(says("Noted."), says("Blue."))
    app_client.chat("My colour is blue")
    app_client.chat("Which colour?", public_key=WALLET)
    turn = Turn.objects.filter(session=app_client.uuid).latest("started_at")
    shown = operator_http.get(f"/admin/sessions_app/turn/{turn.pk}/change/").text
    link = f"/admin/apps_registry/app/{app.pk}/playground/?turn={turn.pk}"
    assert link in shown
    page = operator_http.get(link).text
    assert 'dir="auto" autocomplete="off" aria-describedby="message-help">Which colour?</textarea>' in page
    assert f'data-after-turn="{turn.pk}"' in page
    assert WALLET in page
    Playground(operator_http, app).ask("Which colour?", after_turn=str(turn.pk))
    contents = [message["content"] for message in model.requests[-1]["messages"]]
    assert contents[1:] == ["My colour is blue", "Noted.", "Which colour?"]


def test_without_a_release_the_page_says_how_to_compare(admin_client: Browser, app: App) -> None:
    page = f"/admin/apps_registry/app/{app.pk}/"
    shown = admin_client.get(f"{page}playground/").content.decode()
    assert f'<a href="{page}releases/">Publish a release</a> to compare the draft with it.' in shown
    publish(app)
    assert "no-release" not in admin_client.get(f"{page}playground/").content.decode()


def test_the_page_takes_few_queries(admin_client: Browser, app: App, django_assert_max_num_queries: Any) -> None:
    path = f"/admin/apps_registry/app/{app.pk}/playground/"
    turn = factories.make_session(app, [("user", PAYLOAD), ("agent", "a"), ("user", PAYLOAD)]).turns.first()
    with django_assert_max_num_queries(15):
        assert PAYLOAD not in admin_client.get(f"{path}?turn={turn.pk if turn else ''}").content.decode()
    for nothing in ("nonsense", str(uuid.uuid4())):
        assert admin_client.get(f"{path}?turn={nothing}").status_code == 200
    assert admin_client.get(path.replace(str(app.pk), "0")).status_code == 404


def test_bad_requests_get_a_sentence(playground: Playground, app: App) -> None:
    for asked, status in (
        ({"message": "  "}, 400),
        ({"message": "x" * 40_000}, 413),
        ({"message": "Hi", "public_key": "0x12"}, 400),
        ({"message": "Hi", "client_tools": "{"}, 400),
        ({"message": "Hi", "client_tools": [WEATHER]}, 400),
        ({"message": "Hi", "session_id": "nonsense"}, 400),
        ({"message": 5}, 400),
        ({"message": "Hi", "after_turn": str(uuid.uuid4())}, 404),
    ):
        refused = playground.post(**asked)
        assert (refused.status_code, bool(refused.json()["error"])) == (status, True), (asked, refused.text)
    App.objects.filter(pk=app.pk).update(is_active=False)
    assert "turned off" in playground.post(message="Hi").json()["error"]
    assert not ChatSession.objects.filter(app=app).exists()


@pytest.mark.parametrize(
    ("permissions", "may"),
    [(("view_app",), False), (("use_playground",), True), (("change_app",), True), ((), False)],
)
def test_who_may_try_an_app(
    server: Server, app: App, staff_client: Callable[..., Browser], permissions: tuple[str, ...], may: bool
) -> None:
    with over_http(server, staff_client(*permissions)) as http:
        path = f"/admin/apps_registry/app/{app.pk}/playground/"
        assert http.get(path).status_code == (200 if may else 403)
        headers = {"X-CSRFToken": CSRF_TOKEN}
        stream = f"/admin/live/playground/{app.pk}/"
        answer = http.post(stream, json={"message": "Hi"}, headers=headers)
        assert answer.status_code == (200 if may else 403)
        # The messages of a caller are for those who may read conversations.
        again = http.post(stream, json={"message": "Hi", "after_turn": str(uuid.uuid4())}, headers=headers)
        assert again.status_code == 403


def test_another_site_and_strangers_start_nothing(server: Server, playground: Playground, app: App) -> None:
    path = f"/admin/live/playground/{app.pk}/"
    assert playground.http.post(path, json={"message": "Hi"}).status_code == 403
    foreign = {"X-CSRFToken": CSRF_TOKEN, "Origin": "https://evil.example"}
    assert playground.http.post(path, json={"message": "Hi"}, headers=foreign).status_code == 403
    assert playground.http.get(path).status_code == 405
    with httpx2.Client(base_url=server.url, cookies={"csrftoken": CSRF_TOKEN}, verify=NO_TLS) as stranger:
        headers = {"X-CSRFToken": CSRF_TOKEN}
        assert stranger.post(path, json={"message": "Hi"}, headers=headers).status_code == 403
    assert not ChatSession.objects.filter(app=app).exists()


# --- In a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(console: "Page", server: Server, app: App) -> "Page":
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/change/")
    console.click("a:has-text('Try it') >> nth=0")
    console.wait_for_selector("#message")
    return console


@pytest.mark.thorough
@pytest.mark.browser
def test_an_operator_tries_an_app_compares_two_models_and_stops_a_turn(
    opened: "Page", server: Server, app: App, model: ScriptedModel, model_server: ModelServer
) -> None:
    other = factories.make_model(model_server.base_url)
    AppModel.objects.create(app=app, model=other)
    Tool.objects.filter(app=app, name="calculate").update(needs_confirmation=True)
    opened.reload()
    asked = calls(("calculate", {"expression": "6*7"}), ("no_such", {}))
    model.will(asked, says("**42**, said <b>the</b> bot ", PAYLOAD))
    opened.fill("#message", f"6*7? {PAYLOAD}")
    opened.press("#message", "Enter")
    opened.click("text=Allow")
    first = opened.locator("[data-column='1']")
    first.locator(".is-agent strong >> text=42").wait_for()
    steps = first.locator("[data-steps] > li").all_inner_texts()
    assert [
        word for word in ("calculate: answered ·", "you allowed", "first token") if word not in " ".join(steps)
    ] == []
    first.locator("[data-steps] > li.is-bad >> text=tool no_such: failed").wait_for()
    first.locator("[data-line] >> text=completed").wait_for()
    _the_steps_are_next_to_the_messages_where_there_is_room(opened)
    times = first.locator("[data-steps] .is-time").all_inner_texts()
    assert [time.startswith("at ") for time in times] == [True] * len(times)
    since = [float(number) * (1 if unit == "ms" else 1000) for _, number, unit in map(str.split, times)]
    assert since == sorted(since)
    assert opened.evaluate("window.hacked") is None
    _two_models_get_the_same_message_and_one_is_stopped(opened, app, model, ScriptedModel(model_server, other.name))
    _the_command_works_as_it_is_copied(opened, app)


def _two_models_get_the_same_message_and_one_is_stopped(
    opened: "Page", app: App, model: ScriptedModel, other: ScriptedModel
) -> None:
    opened.click("text=Compare two")
    opened.select_option("#model-2", other.model_id)
    opened.select_option("#channel-2", "draft")
    other.will(says("It", *[" goes on"] * 12, pause=0.3))
    model.will(says("Short."))
    opened.fill("#message", "Again?")
    opened.click("[data-send]")
    opened.locator("[data-column='1'] .is-agent >> text=Short.").wait_for()
    second = opened.locator("[data-column='2']")
    second.locator(".aomi-play-live >> text=It").wait_for()
    opened.click("[data-stop]")
    second.locator("[data-line] >> text=interrupted").wait_for()
    opened.locator("[data-send]:not([disabled])").wait_for()
    assert sorted(Turn.objects.filter(app=app).values_list("status", flat=True)) == [
        "completed",
        "completed",
        "interrupted",
    ]


def _the_command_works_as_it_is_copied(opened: "Page", app: App) -> None:
    """With a key of the App, as a caller."""
    opened.fill("#message", "It's me")
    opened.click("text=Copy as curl")
    words = shlex.split(opened.locator("#curl-text").inner_text().replace("\\\n", " "))
    key = factories.make_key(app).plain
    headers = dict(word.split(": ", 1) for word in words if ": " in word and not word.startswith("{"))
    assert headers["AOMI-APP-KEY"] == "YOUR-APP-KEY"
    url = next(word for word in words if word.startswith("http"))
    answer = httpx2.post(
        url, headers={**headers, "AOMI-APP-KEY": key}, content=words[words.index("-d") + 1], verify=NO_TLS
    )
    assert answer.json()["messages"][0]["content"] == "It's me"


def _the_steps_are_next_to_the_messages_where_there_is_room(opened: "Page") -> None:
    def box(name: str) -> dict[str, float]:
        found = opened.locator(f"[data-column='1'] .aomi-turn {name}").bounding_box()
        assert found is not None
        x, y = found["x"], found["y"]
        return {"x": x, "y": y, "right": x + found["width"], "bottom": y + found["height"]}

    for width, has_panes in ((1440, True), (390, False)):
        opened.set_viewport_size({"width": width, "height": 900})
        steps, said, replies = box("[data-steps]"), box(".is-user"), box("[data-replies]")
        assert (steps["x"] >= max(said["right"], replies["right"])) == has_panes, width
        assert (said["bottom"] <= steps["y"] < steps["bottom"] <= replies["y"]) != has_panes, width
    opened.set_viewport_size({"width": 1440, "height": 900})


@pytest.mark.thorough
@pytest.mark.browser
def test_an_app_with_a_tool_is_built_and_tried(
    console: "Page", server: Server, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, request: handler.reply('{"price": 17}')
    slug = factories.unique("built")
    console.goto(f"{server.url}/admin/apps_registry/app/add/")
    console.fill("#id_name", slug)  # the page derives the slug from it
    console.fill("#id_preamble", "Answer with prices.")
    console.select_option("#id_default_model", str(app.default_model_id))
    console.click("[name=_save]")
    console.wait_for_selector("a:has-text('Try it')")
    built = App.objects.get(slug=slug)
    App.objects.filter(pk=built.pk).update(allowed_hosts=upstream.host, makes_titles=False)
    console.goto(f"{server.url}/admin/apps_registry/tool/add/?app={built.pk}")
    console.fill("#id_name", "get_price")
    console.fill("#id_description", "The price of a thing.")
    console.fill("#id_url", f"{upstream.url}/price")
    console.click("[name=_save]")
    wait_until(lambda: Tool.objects.filter(app=built, name="get_price").exists())
    model.will(calls(("get_price", {})), says("It costs 17."))
    console.goto(f"{server.url}/admin/apps_registry/app/{built.pk}/change/")
    console.click("a:has-text('Try it') >> nth=0")
    console.fill("#message", "What does it cost?")
    console.click("[data-send]")
    console.locator(".is-agent >> text=It costs 17.").wait_for()
    console.click("summary:has-text('tool get_price: answered')")
    assert "17" in console.locator("[data-steps] pre >> nth=-1").inner_text()
    assert model.requests[-1]["messages"][0]["content"].startswith("Answer with prices.")
