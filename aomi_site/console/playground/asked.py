"""What the playground's page sends."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator

from apps_registry.support.text.plain_json import TooDeep, read_json
from chat.api import fields
from chat.api.parameters import Parameters
from chat.turns.pausing.questions import InvalidAnswer, read_answers
from sessions_app.questions import Answer

MAX_DEPTH = 60


def _object(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    return value


class Asked(Parameters):
    """A message, an answer to a question, or a stop.

    Attributes:
        channel: the state of the App: "live", "draft", or "release:" and an id.
        after_turn: an earlier turn whose conversation comes first.
        answer: to a question of the session's turn, as callers send it.
        stop: anything but empty stops the session's turn.
    """

    message: fields.ChatMessage = ""
    session_id: fields.TokenSession = None
    channel: fields.Text = "draft"
    model: fields.Text = ""
    public_key: fields.PublicKey = None
    client_tools: fields.DeclaredTools = ()
    after_turn: fields.TokenSession = None
    answer: Annotated[Mapping[str, Any] | None, BeforeValidator(_object)] = None
    stop: fields.Text = ""


def read_asked(body: bytes) -> Asked:
    """Return what a request asks.

    Raises:
        ValidationError, InvalidUserState: a field is malformed; the detail names it.
    """
    try:
        data = read_json(body.decode(), max_depth=MAX_DEPTH)
    except (TooDeep, ValueError):
        data = None
    sent = data if isinstance(data, dict) else {}
    return Asked.read({name: value for name, value in sent.items() if value not in ("", None)})


def answer_in(asked: Asked, session_id: UUID) -> Answer:
    """Return the answer to a question of a session.

    Raises:
        InvalidAnswer: it is malformed.
    """
    answers = read_answers(asked.answer, session_id)
    if not answers or len(answers) > 1:
        raise InvalidAnswer("answer is none to a question of a turn.")
    return answers[0]
