"""What a round of a turn may use at most: its prompt, and the longest answer that its request asks for.

Limits of tokens and money count a reservation until the provider has counted the round. No tokenizer makes more tokens
than the text has bytes, so bytes are a bound for the prompt without the vocabulary of every model.
"""

from decimal import Decimal
from uuid import UUID

from apps_registry.values import AppConfig, Sampling
from chat.prompt.history import BYTES_PER_TOKEN
from chat.providers.requests import reply_bound
from chat.turns.input.options import NO_OPTIONS, TurnOptions
from sessions_app.values import SESSION_OVERHEAD_BYTES, Reservation, Session, StoredMessage

# What the server adds to a prompt: notes about tools and the user, a digest of earlier sessions, marks and roles.
ADDED_BYTES = 2_000
DIGEST_BYTES = 6_000
# Session.size counts memory, in which text takes 1 to 4 bytes a character, and UTF-8 at most 1.5 times as many.
UTF8_PER_MEMORY_BYTE = 1.5


def prompt_bound(
    app: AppConfig,
    session: Session | None,
    message: str = "",
    *,
    turn_id: UUID | None = None,
    options: TurnOptions = NO_OPTIONS,
) -> int:
    """Return an upper bound of the tokens of a turn's next prompt.

    Args:
        app: the App that answers.
        session: our copy of the session; None if there is none.
        message: the user's message, if the session does not have it yet.
        turn_id: the turn, if it has stored messages: they are in the prompt whatever the budget of the history.
        options: what the caller asks of the turn.
    """
    history = sum(map(message_bytes, options.history))
    if session is not None:
        in_memory = int((session.size - SESSION_OVERHEAD_BYTES) * UTF8_PER_MEMORY_BYTE)
        history = min(history + in_memory, int(app.history_budget_tokens * BYTES_PER_TOKEN))
        history += sum(message_bytes(stored) for stored in session.messages if turn_id and stored.turn_id == turn_id)
    digest = DIGEST_BYTES if app.recalls_earlier_sessions else 0
    return app.fixed_prompt_bytes + ADDED_BYTES + options.prompt_bytes + digest + history + len(message.encode())


def least_reserved(app: AppConfig) -> tuple[int, Decimal | None]:
    """Return the tokens that the first turn of a session reserves for an empty message, and their cost if known."""
    reserved = reserve(app, prompt_bound(app, None))
    return reserved.tokens, reserved.cost


def message_bytes(message: StoredMessage) -> int:
    """Return the bytes that a message adds to the bound of a later prompt in its turn."""
    return len(message.content.encode()) + len(message.tool_arguments.encode()) + message.extra_bytes + 100


def reserve(app: AppConfig, prompt_tokens: int, sampling: Sampling | None = None) -> Reservation:
    """Return the reservation of a round that any of the App's models may answer.

    Args:
        app: the App that answers.
        prompt_tokens: an upper bound of the prompt's tokens.
        sampling: the parameters of the turn; None for the App's.
    """
    tokens, costs = 0, []
    for model in app.models:
        prompt, reply = min(prompt_tokens, model.context_window), reply_bound(model, sampling or app.sampling)
        tokens = max(tokens, prompt + reply)
        costs.append(model.cost(prompt, reply))
    dearest = None if None in costs else max((cost for cost in costs if cost is not None), default=None)
    return Reservation(tokens, dearest)
