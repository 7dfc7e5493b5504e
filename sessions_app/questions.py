"""What a turn asks its client, and what the client answers, as values.

A turn pauses when the model calls tools of whose calls some are the client's to decide. Each such call becomes one
question. The turn goes on, on whichever worker the last answer reaches, once every question has its answer; until then
the session is idle, and a new message, an interrupt or the deadline ends the turn instead.

One kind of question is known today: may this tool be called? Another kind asks for other answers and is otherwise the
same: a tool that the client runs itself would be asked about with the kind "client_tool", and its answer would bring
the call's result. A kind takes a member of QuestionKind, an entry in ANSWERS of chat/turns/questions.py, which reads
its answers, and a rule in `_Calls.questions` of chat/turns/engine.py, which says of what calls it is asked.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

DECLINED = '{"error":"the user declined this call; it was not made"}'


class QuestionKind(StrEnum):
    """What is asked; clients read and send these words."""

    CONFIRM_TOOL = "confirm_tool"  # may this tool be called?


@dataclass(frozen=True, slots=True)
class Question:
    """One tool call that waits for the client.

    Attributes:
        id: what the answer names; a UUID that is never used again.
        tool: the tool's name.
        arguments: JSON text, as the model wrote it.
        expires_at: when it is too late to answer.
    """

    id: str
    kind: QuestionKind
    tool: str
    arguments: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client answers to one question.

    Attributes:
        question_id: the question's id.
        kind: must be the question's.
        is_approved: the client agrees to the call.
        result: the call's result, as text for the model: the call is then not made here. None: it is made.
    """

    question_id: str
    kind: QuestionKind
    is_approved: bool
    result: str | None = None

    @classmethod
    def to_confirmation(cls, question_id: str, *, is_approved: bool) -> "Answer":
        """Return the answer to whether a tool may be called; a call that is declined is not made."""
        return cls(question_id, QuestionKind.CONFIRM_TOOL, is_approved, None if is_approved else DECLINED)

    def to_store(self) -> dict[str, object]:
        """Return what it changes in the stored call (see OpenCall)."""
        return {"is_approved": self.is_approved, **({} if self.result is None else {"result": self.result})}
