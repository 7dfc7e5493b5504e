"""Questions that a turn asks its client, and the client's answers, as values.

A turn pauses when the model makes tool calls that the client must decide about. Each such call becomes one question.
When every question has an answer, the turn resumes on the worker that received the last one. Until then the session is
idle, and a new message, an interrupt or the deadline ends the turn.

To add a kind, add a member of QuestionKind, and an entry in ANSWERS or WALLET_ANSWERS of
chat/turns/pausing/questions.py, which parses its answers. The tools whose calls it is about name it as their
`question`; chat/turns/running/engine.py asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

DECLINED = '{"error":"the user declined this call; it was not made"}'


class QuestionKind(StrEnum):
    """A kind of question; the values are part of the API."""

    CONFIRM_TOOL = "confirm_tool"  # may this tool be called?
    CLIENT_TOOL = "client_tool"  # what does this tool, which runs at the client, return?
    WALLET_TX = "wallet_tx_request"  # does the user's wallet send this transaction?
    WALLET_EIP712 = "wallet_eip712_request"  # does the user's wallet sign this typed data?


OF_WALLET = frozenset({QuestionKind.WALLET_TX, QuestionKind.WALLET_EIP712})
# The calls that the client makes itself; any program that makes them may answer what they returned.
OF_CLIENT = OF_WALLET | {QuestionKind.CLIENT_TOOL}


@dataclass(frozen=True, slots=True)
class Question:
    """One tool call that waits for the client.

    Attributes:
        id: a UUID that is never reused; the answer names it.
        tool: the tool's name.
        arguments: JSON text, as the model wrote it.
        expires_at: the deadline for the answer.
        request: what the wallet is asked; None for other kinds.
    """

    id: str
    kind: QuestionKind
    tool: str
    arguments: str
    expires_at: datetime
    request: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A client's answer to one question.

    Attributes:
        question_id: the question's id.
        kind: must be the question's kind; that of a client's tool also answers requests to wallets.
        is_approved: whether the client agrees to the call.
        result: the call's result, as text for the model, if the server should not make the call; None if it should.
    """

    question_id: str
    kind: QuestionKind
    is_approved: bool
    result: str | None = None

    @classmethod
    def to_confirmation(cls, question_id: str, *, is_approved: bool) -> "Answer":
        """Return the answer to a confirmation; a declined call is not made."""
        return cls(question_id, QuestionKind.CONFIRM_TOOL, is_approved, None if is_approved else DECLINED)

    @classmethod
    def of_wallet(cls, question_id: str, kind: QuestionKind, result: str) -> "Answer":
        """Return the answer of the user's wallet, with the text for the model."""
        return cls(question_id, kind, is_approved=True, result=result)

    @property
    def kinds(self) -> list[str]:
        """The kinds of question that it may answer."""
        return sorted(OF_CLIENT) if self.kind is QuestionKind.CLIENT_TOOL else [self.kind.value]

    @classmethod
    def to_client_tool(cls, question_id: str, result: str) -> "Answer":
        """Return the answer of a tool that runs at the client.

        Args:
            question_id: the question's id.
            result: the call's result, as text for the model.
        """
        return cls(question_id, QuestionKind.CLIENT_TOOL, is_approved=True, result=result)

    def to_store(self) -> dict[str, object]:
        """Return the fields that the answer changes in the stored call (see OpenCall)."""
        return {"is_approved": self.is_approved, **({} if self.result is None else {"result": self.result})}
