"""Takes clients' answers and resumes paused turns; there is no other way to resume one."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from apps_registry.values import AppConfig
from chat.access import check_chat, known_session
from chat.turns.input.options import load_options
from chat.turns.input.reservation import prompt_bound, reserve
from chat.turns.launch import launch
from chat.turns.release import config_for_session
from chat.turns.running.progress import before_resuming
from chat.turns.running.running_turn import RunningTurn
from keys.callers import Caller
from keys.limits.admission import admission_of
from keys.limits.refusals import applied
from keys.limits.values import Payer
from sessions_app.access import UUID_PATTERN
from sessions_app.questions import Answer
from sessions_app.store import store
from sessions_app.turns import pauses
from sessions_app.turns.reading import options_of


async def resume_turn(
    caller: Caller,
    session_id: UUID,
    answer: Answer,
    *,
    on_app: Callable[[AppConfig], object] | None = None,
) -> RunningTurn | None:
    """Store an answer to a question of the session's turn; the answer to the last open question resumes the turn.

    Args:
        caller: must be allowed to chat with the session's App.
        session_id: the session.
        answer: an answer to one of its open questions.
        on_app: as for `start_turn`.

    Returns:
        The turn, if it resumes now; None if other questions are still open, if the turn already has this answer, or if
        no turn has ever run in the session.

    Raises:
        NoSuchSession: there is no such session.
        KeyNeeded, AppNotAuthorized, SessionOfAnotherApp, SessionNotOfToken, SessionOfAnotherWallet,
        OriginNotAllowed, NetworkNotAllowed: the caller may not answer.
        ReleaseUnusable: the App's release cannot be run; the answer is not stored.
        NothingWaits: the question is not open.
        LimitExceeded: a limit refuses the turn's next round; the answer is not stored.
    """
    session, app = await known_session(caller, session_id)
    if app is None:
        return None
    if on_app is not None:
        on_app(app)
    config = await config_for_session(caller, check_chat(caller, app), session)
    if not UUID_PATTERN.fullmatch(answer.question_id):
        raise pauses.NothingWaits
    answer = replace(answer, question_id=answer.question_id.lower())
    stored = await options_of(session.running_turn) if session.running_turn else None
    options = load_options(stored)
    bound = prompt_bound(config, session, answer.result or "", turn_id=session.running_turn, options=options)
    reservation = reserve(config, bound, options.sampling_over(config.sampling))
    payer = Payer(config.id, caller.key_id, caller.address)
    with applied(payer):
        resumed = await pauses.take_answer(
            session_id,
            answer,
            app_key_id=caller.key_id,
            reservation=reservation,
            admission=admission_of(payer),
        )
    session_now = await store.reload(session_id) if resumed else None
    if resumed is None or session_now is None:
        return None
    progress = replace(before_resuming(session_now, resumed), prompt_bound=bound, reservation=reservation)
    return launch(caller, resumed.turn_id, session_now, config, progress=progress, options=options)
