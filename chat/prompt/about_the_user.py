"""The part of the system prompt about the user: the wallet, and earlier sessions."""

import json
from collections.abc import Sequence

from apps_registry.builtin_tools.get_wallet import CHAIN_NAMES
from apps_registry.support.text.visible_text import visible_line
from chat.prompt.fence import ABOUT_EARLIER, EARLIER_DATA, fenced
from sessions_app.queries.digest import EarlierSession
from sessions_app.values import Wallet


def about_the_user(wallet: Wallet | None, earlier: Sequence[EarlierSession]) -> str:
    """Return the part of the system prompt about the user; empty if nothing is known."""
    parts = [_wallet(wallet)] if wallet else []
    if earlier:
        records = "\n".join(map(_session, earlier))
        parts.append(f"{ABOUT_EARLIER}\n{fenced(EARLIER_DATA, 'digest', records)}")
    return "\n\n".join(parts)


def _wallet(wallet: Wallet) -> str:
    chain = ""
    if wallet.chain_id is not None:
        name = CHAIN_NAMES.get(wallet.chain_id)
        chain = f" on chain {wallet.chain_id}" + (f" ({name})" if name else "")
    proof = "has proven by signature to own it" if wallet.is_proven else "says so and has not proven to own it"
    return f"The user's wallet is {wallet.address}{chain}; the user {proof}."


def _session(earlier: EarlierSession) -> str:
    quotations = [f"the user said {_quoted(earlier.asked)}"]
    if earlier.answered:
        quotations.append(f"you answered {_quoted(earlier.answered)}")
    return f"- {earlier.last_active_at:%Y-%m-%d}, {_quoted(earlier.title)}: {'; '.join(quotations)}"


def _quoted(text: str) -> str:
    """Return a text as one quoted line that cannot close its own quotes, or it could pose as part of the prompt."""
    return json.dumps(visible_line(text), ensure_ascii=False)
