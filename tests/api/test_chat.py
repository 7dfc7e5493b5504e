"""POST /api/chat and GET /api/state."""

from tests.client import Client, texts
from tests.model_server import ScriptedModel, says


def test_the_default_app_answers_without_a_key(client: Client) -> None:
    snapshot = client.chat("Hi")
    assert texts(snapshot) == [("user", "Hi"), ("agent", "Hello.")]
    assert snapshot["app"] == "default"
    assert snapshot["status"] == "idle"
    assert snapshot["is_processing"] is False


def test_the_prompt_of_the_second_message_contains_the_first(app_client: Client, model: ScriptedModel) -> None:
    model.will(says("Nice to meet you, Ada."), says("Ada."))
    app_client.chat("I am Ada.")
    assert texts(app_client.chat("Who am I?"))[-1] == ("agent", "Ada.")
    _, *conversation = model.prompts[1]
    assert [message["content"] for message in conversation] == [
        "I am Ada.",
        "Nice to meet you, Ada.",
        "Who am I?",
    ]


def test_an_accept_header_that_prefers_json_gets_json(client: Client) -> None:
    for accept, kind in (
        ("text/event-stream;q=0, application/json", "application/json"),
        ("text/event-stream;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, text/event-stream", "text/event-stream"),
    ):
        answer = client.request("POST", "/api/chat", params={"message": "Hi"}, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
