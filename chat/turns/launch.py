"""The only place that starts the task of a claimed turn."""

from uuid import UUID

from apps_registry.values import AppConfig
from chat.turns.input.options import NO_OPTIONS, TurnOptions
from chat.turns.running.progress import Progress
from chat.turns.running.runner import runner
from chat.turns.running.running_turn import RunningTurn
from keys.callers import Caller
from keys.limits.values import Payer
from sessions_app.values import Session


def launch(
    caller: Caller,
    turn_id: UUID,
    session: Session,
    app: AppConfig,
    *,
    progress: Progress,
    options: TurnOptions = NO_OPTIONS,
) -> RunningTurn:
    """Run a turn that owns its session, as a task of this worker.

    Args:
        caller: the caller of the turn.
        turn_id: the turn.
        session: the claimed session.
        app: the release of the App that answers.
        progress: what it has reserved, and has done before if it resumes or is retried.
        options: what its caller asks of it.
    """
    turn = RunningTurn(
        turn_id=turn_id,
        session_id=session.id,
        session=session,
        app=app,
        model=app.model_for(options.model or session.chosen_model),
        has_key=app.id in caller.app_ids,
        options=options,
        count=progress.count,
        earlier=progress.earlier,
        open_calls=list(progress.open_calls),
        resumed=progress.resumed,
        payer=Payer(app.id, caller.key_id, caller.address),
        used=progress.used,
        reservation=progress.reservation,
        prompt_bound=progress.prompt_bound,
        tool_rounds=progress.tool_rounds,
        first_token_ms=progress.first_token_ms,
        attempts=list(progress.attempts),
    )
    runner.start(turn, session)
    return turn
