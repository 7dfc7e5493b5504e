"""A model that is down, slow, rate-limited or sends nonsense: the turn ends as documented."""

import pytest

from sessions_app.models import Message, Turn
from tests.client import Client, texts
from tests.model_server import DONE, Reply, ScriptedModel, chunk, refuses, says, sse

PIECE = chunk({"content": "half an"})
HTML = {"Content-Type": "text/html"}

FAULTS: dict[str, tuple[list[Reply], int, str]] = {
    "refused credentials": ([refuses(401)], 502, "model_error"),
    "unknown model": ([refuses(404)], 502, "model_error"),
    "bad request": ([refuses(400)], 502, "model_error"),
    "three server errors": ([refuses(500)] * 3, 502, "model_error"),
    "rate limit for an hour": ([refuses(429, Retry_After="3600")], 502, "model_error"),
    "silence before the head": ([Reply(then="hang")], 504, "model_timeout"),
    "silence after the head": ([Reply([b": hi\n\n"], then="hang")], 504, "model_timeout"),
    "silence in the middle": ([Reply([PIECE], then="hang")], 504, "model_timeout"),
    "keepalives without end": ([Reply([PIECE] + [b": ping\n\n", 0.5] * 12)], 504, "model_timeout"),
    "slower than the turn may be": ([Reply([PIECE, 1.0] * 8)], 504, "model_timeout"),
    "broken connection": ([Reply([PIECE], then="cut")], 502, "model_error"),
    "end without a finish reason": ([Reply([PIECE])], 502, "model_error"),
    "[DONE] without a finish reason": ([Reply([PIECE, DONE])], 502, "model_error"),
    "nothing at all": ([Reply()], 502, "model_error"),
    "an empty answer": ([Reply([chunk({}, "stop"), DONE])], 502, "model_error"),
    "a web page": ([Reply([b"<html>SECRET-PROVIDER-TEXT</html>"], headers=HTML)] * 3, 502, "model_error"),
    "broken JSON": ([Reply([PIECE, b"data: {oops\n\n"])], 502, "model_error"),
    "broken UTF-8": ([Reply([PIECE, b'data: {"a": "\xff"}\n\n'])], 502, "model_error"),
    "a list for a chunk": ([Reply([b"data: [1]\n\n"])], 502, "model_error"),
    "a number for the text": ([Reply([chunk({"content": 5}), chunk({}, "stop"), DONE])], 502, "model_error"),
    "choices of another shape": ([Reply([sse({"choices": {"a": 1}})])], 502, "model_error"),
    "an error in the stream": ([Reply([PIECE, sse({"error": {"message": "SECRET"}})])], 502, "model_error"),
    "a line without end": ([Reply([b"data: " + b"x" * 300_000] * 5)], 502, "model_error"),
}  # fmt: skip


@pytest.mark.parametrize(("replies", "status", "code"), FAULTS.values(), ids=FAULTS)
def test_a_failing_model_ends_the_turn_and_keeps_the_message(
    app_client: Client, model: ScriptedModel, replies: list[Reply], status: int, code: str
) -> None:
    model.will(*replies)
    answer = app_client.post_chat("Are you there?")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "SECRET" not in answer.text
    snapshot = app_client.state()
    assert (snapshot["status"], texts(snapshot)) == ("idle", [("user", "Are you there?")])
    assert snapshot["system_events"] == [{"SystemError": answer.json()["detail"]}]
    assert app_client.state()["system_events"] == []  # delivered once
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.status, turn.error_code) == ("failed", code)
    assert turn.finished_at is not None
    # The next message is accepted. The model gets it in one message with the unanswered one, since many templates
    # refuse two messages of the user in a row.
    model.will(says("Now I am."))
    assert texts(app_client.chat("And now?"))[-1] == ("agent", "Now I am.")
    assert [message["content"] for message in model.prompts[-1][1:]] == ["Are you there?\n\nAnd now?"]


def test_an_unreachable_model_ends_the_turn_as_documented(app_client: Client, model: ScriptedModel) -> None:
    from apps_registry.models import Provider

    Provider.objects.filter(models__name=model.model_id).update(base_url="http://127.0.0.1:9/v1")
    answer = app_client.post_chat("Are you there?")
    assert (answer.status_code, answer.json()["code"]) == (502, "model_error")
    assert "could not be reached" in answer.json()["detail"]
    assert texts(app_client.state()) == [("user", "Are you there?")]


def test_a_temporary_failure_is_retried_unnoticed(app_client: Client, model: ScriptedModel) -> None:
    model.will(refuses(503), refuses(429, Retry_After="1"), says("Third time lucky."))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "Third time lucky.")
    assert len(model.requests) == 3
    assert Message.objects.filter(session_id=app_client.uuid).count() == 2


def test_no_request_is_repeated_after_the_first_token(app_client: Client, model: ScriptedModel) -> None:
    model.will(Reply([PIECE], then="cut"), says("never asked"))
    assert app_client.post_chat("Hi").status_code == 502
    assert len(model.requests) == 1


def test_a_finished_answer_counts_even_if_the_stream_is_not_closed(app_client: Client, model: ScriptedModel) -> None:
    model.will(Reply([chunk({"content": "Complete."}), chunk({}, "stop")], then="hang"))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "Complete.")


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_known_finish_reasons_are_recorded(app_client: Client, model: ScriptedModel, reason: str) -> None:
    model.will(says("As far as it", " went", finish_reason=reason))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "As far as it went")
    assert Turn.objects.get(session_id=app_client.uuid).finish_reason == reason


def test_text_that_postgres_cannot_store_does_not_lose_the_answer(app_client: Client, model: ScriptedModel) -> None:
    model.will(Reply([b'data: {"choices":[{"delta":{"content":"a\\u0000b\\ud800c"}}]}\n\n', chunk({}, "stop"), DONE]))
    assert texts(app_client.chat("Hi"))[-1] == ("agent", "a\ufffdb\ufffdc")
