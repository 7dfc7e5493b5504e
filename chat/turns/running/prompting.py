"""Builds the prompt of a running turn: the texts of the App, the server and the caller, and as much history as fits."""

import logging
from collections.abc import Sequence

import orjson

from apps_registry.support.database_errors import is_transient
from apps_registry.values import ModelConfig
from chat.prompt.about_servers import about_servers
from chat.prompt.about_the_user import about_the_user
from chat.prompt.fence import ABOUT_TOOLS
from chat.prompt.history import PromptMessage, build_prompt, estimate_tokens
from chat.turns.input.client_tools import about_client_tools
from chat.turns.running.running_turn import RunningTurn
from sessions_app.queries.digest import EarlierSession, earlier_sessions
from sessions_app.values import Session, StoredMessage

logger = logging.getLogger("aomi.turns")


def language_rule(language: str) -> str:
    """Return the sentence that fixes the language of the replies; empty without a language."""
    return f"Always answer in {language}, whatever language the user writes in." if language else ""


async def system_prompt(turn: RunningTurn, session: Session) -> str:
    """Return the App's preamble with the reply language and what the model may know about the user."""
    earlier: Sequence[EarlierSession] = ()
    if turn.app.recalls_earlier_sessions:
        try:
            earlier = await earlier_sessions(session, has_key=turn.has_key)
        except Exception as error:
            if not is_transient(error):
                raise
            # Answer without the digest; the turn is stored when Postgres is back.
            logger.warning("turn %s runs without earlier sessions: %s", turn.turn_id, type(error).__name__)
    sentence = language_rule(turn.app.reply_language)
    parts = (turn.app.preamble, sentence, about_the_user(session.wallet, earlier), turn.options.system_text())
    return "\n\n".join(filter(None, parts))


def prompt_for(turn: RunningTurn, session: Session, preamble: str, model: ModelConfig) -> list[PromptMessage]:
    """Return the prompt, with as much history as leaves room in the model's window for everything else."""
    app = turn.app
    message = next(message.content for message in reversed(session.messages) if message.turn_id == turn.turn_id)
    parameters = [tool.parameters for tool in app.tools] + [tool.parameters for tool in turn.options.tools]
    if parameters and model.supports_tools:
        about = (ABOUT_TOOLS, about_servers(app.server_notes), about_client_tools(turn.options.tools))
        preamble = "\n\n".join(filter(None, (preamble, *about)))
    schemas = orjson.dumps(parameters).decode() if model.supports_tools else ""
    fixed = sum(map(estimate_tokens, (preamble, message, schemas)))
    reply = model.reply_reserve(turn.options.sampling_over(app.sampling).max_reply_tokens)
    budget = min(app.history_budget_tokens, model.context_window - fixed - reply)
    turn.history_budget = budget
    messages: Sequence[StoredMessage] = (*turn.options.history, *session.messages[session.summarised_count :])
    if turn.resumed is not None:  # the engine adds this round itself, once its open calls are made
        resumed_round = (turn.turn_id, turn.resumed.round_number)
        messages = [stored for stored in messages if (stored.turn_id, stored.tool_round) != resumed_round]
    return build_prompt(
        preamble,
        messages,
        turn.turn_id,
        budget_tokens=budget,
        with_tools=model.supports_tools,
        summary=session.summary,
    )
