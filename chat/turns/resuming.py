"""The one way back into a turn that waits for its client: an answer comes, and with the last one the turn goes on."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from apps_registry.values import AppConfig
from chat.access import check_chat, known_session
from chat.turns.launch import launch
from chat.turns.progress import before_resuming
from chat.turns.release import answering
from chat.turns.running_turn import RunningTurn
from keys.callers import Caller
from sessions_app import pauses
from sessions_app.access import UUID_PATTERN
from sessions_app.questions import Answer
from sessions_app.store import store


async def resume_turn(
    caller: Caller,
    session_id: UUID,
    answer: Answer,
    *,
    on_app: Callable[[AppConfig], object] | None = None,
) -> RunningTurn | None:
    """Take an answer to a question of the session's turn; the last one that it waits for sets it going again.

    Args:
        caller: who answers, and must be allowed to chat with the session's App.
        session_id: the session.
        answer: to one of its open questions.
        on_app: as for `start_turn`.

    Returns:
        The turn, if it goes on now; None when other questions are open, when it has had this answer, or when no turn
        has ever run in the session.

    Raises:
        NoSuchSession: there is none.
        KeyNeeded, AppNotAuthorized, SessionOfAnotherApp: the caller may not answer.
        ReleaseUnusable: what would go on cannot be run; the answer is not taken.
        NothingWaits: the question is not open.
    """
    session, app = await known_session(caller, session_id)
    if app is None:
        return None
    if on_app is not None:
        on_app(app)
    config = await answering(caller, check_chat(caller, app), session)
    if not UUID_PATTERN.fullmatch(answer.question_id):
        raise pauses.NothingWaits
    answer = replace(answer, question_id=answer.question_id.lower())
    resumed = await pauses.take_answer(session_id, answer)
    now = await store.reload(session_id) if resumed else None
    if resumed is None or now is None:
        return None
    return launch(caller, resumed.turn_id, now, config, before_resuming(now, resumed))
