"""History that a caller sends belongs to no turn; the budget still cuts it to its newest exchanges."""

import uuid
from datetime import UTC, datetime

from chat.prompt.history import build_prompt, message_cost, turns_newest_first
from sessions_app.values import StoredMessage


def stored(role: str, content: str, turn_id: uuid.UUID | None = None) -> StoredMessage:
    return StoredMessage(uuid.uuid4(), turn_id, role, content, datetime.now(UTC))


def test_each_brought_message_of_the_user_begins_an_exchange() -> None:
    brought = [stored("user", "I am Ada."), stored("agent", "Hello."), stored("user", "Who?"), stored("agent", "Ada.")]
    noticed = [stored("system", "A notice."), stored("system", "Another.")]
    current = uuid.uuid4()
    messages = [*brought, *noticed, stored("user", "And now?", current)]
    groups = [[message.content for message in group] for group in turns_newest_first([*brought, messages[-1]])]
    assert groups == [["And now?"], ["Who?", "Ada."], ["I am Ada.", "Hello."]]
    budget = sum(map(message_cost, [*brought[2:], *noticed]))
    prompt = build_prompt("", messages, current, budget_tokens=budget, with_tools=True)
    text = " ".join(str(message["content"]) for message in prompt)  # type: ignore[index]
    assert ("Who?" in text, "I am Ada." in text) == (True, False)
