"""What the models of a turn were sent and what came back, for the turn's page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db.models import Case, TextField, Value, When
from django.db.models.functions import Left, Length

from apps_registry.admin.display import amount_of
from apps_registry.support.text.outside_text import storable
from sessions_app.models import SentRequest, Turn
from sessions_app.queries.transcript import pretty_json

REQUESTS_SHOWN = 20
TEXT_SHOWN = 6_000
# A page shows this much of all texts together; the whole requests are a link away.
PAGE_CHARS = 400_000
# Requests up to this size are read into the page.
BODY_READ_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Text:
    """A message, or a tool.

    Attributes:
        name: its role, or the tool's name.
        text: its beginning.
        is_cut: whether there is more of it.
        calls: the tool calls in it, as JSON.
    """

    name: str
    text: str
    is_cut: bool
    calls: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request to a model.

    Attributes:
        status_words: how the provider answered.
        is_refused: whether no answer of the model came of it.
        repeated: the number of messages that the request before had as well, which are not repeated here.
        parameters: everything else in the request, as JSON.
        came_back: what the model answered, as far as it is stored.
    """

    request: SentRequest
    status_words: str
    is_refused: bool
    size: str
    is_readable: bool
    repeated: int = 0
    messages: Sequence[Text] = ()
    tools: Sequence[Text] = ()
    parameters: str = ""
    came_back: Sequence[Text] = ()


def sent_in(turn: Turn) -> list[Sent]:
    """Return the requests of a turn that were kept, in their order."""
    rows = turn.sent_requests.annotate(
        characters=Length("body"),
        read=Case(When(characters__lte=BODY_READ_CHARS, then="body"), default=Value(""), output_field=TextField()),
    ).defer("body")
    answers = _answers(turn)
    reader = _Reader()
    shown = [reader.read(row) for row in rows[:REQUESTS_SHOWN]]
    last = {sent.request.round_number: sent.request.pk for sent in shown if not sent.is_refused}
    return [_with_answer(sent, answers, last) for sent in shown]


def _with_answer(sent: Sent, answers: Mapping[int, Sequence[Text]], last: Mapping[int, int]) -> Sent:
    number = sent.request.round_number
    return replace(sent, came_back=answers.get(number, ())) if last.get(number) == sent.request.pk else sent


@dataclass(slots=True)
class _Reader:
    """Reads requests one after the other, since each repeats the messages of the one before."""

    left: int = PAGE_CHARS
    before: list[Any] = field(default_factory=list)

    def read(self, row: Any) -> Sent:
        body = _parsed(row.read)
        facts: dict[str, Any] = {
            "request": row,
            "status_words": f"HTTP {row.status}" if row.status else "no answer",
            "is_refused": row.status != 200,
            "size": f"{amount_of(row.size)} bytes",
            "is_readable": body is not None,
        }
        if body is None:
            return Sent(**facts)
        messages, tools = _list_in(body, "messages"), _list_in(body, "tools")
        repeated = len(self.before) if self.before and messages[: len(self.before)] == self.before else 0
        self.before = messages
        rest = {name: value for name, value in body.items() if name not in {"messages", "tools"}}
        return Sent(
            **facts,
            repeated=repeated,
            messages=[self._message(message) for message in messages[repeated:]],
            tools=[] if repeated else [self._tool(tool) for tool in tools],
            parameters=pretty_json(orjson.dumps(rest).decode()),
        )

    def _message(self, message: Any) -> Text:
        content = message.get("content") if isinstance(message, dict) else message
        text = content if isinstance(content, str) else _dump(content)
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        role = str(message.get("role", "")) if isinstance(message, dict) else ""
        return self._cut(role, text, pretty_json(orjson.dumps(calls).decode())[:TEXT_SHOWN] if calls else "")

    def _tool(self, tool: Any) -> Text:
        function = tool.get("function") if isinstance(tool, dict) else None
        described = function if isinstance(function, dict) else {}
        text = f"{described.get('description', '')}\n\n{_dump(described.get('parameters'))}"
        return self._cut(str(described.get("name", "")), text)

    def _cut(self, name: str, text: str, calls: str = "") -> Text:
        shown = storable(text[: max(0, min(TEXT_SHOWN, self.left))])
        self.left -= len(shown) + len(calls)
        return Text(storable(name), shown, len(shown) < len(text), calls)


def _answers(turn: Turn) -> dict[int, list[Text]]:
    """Return what came back, by round: the turn's last words belong to the round after those with calls."""
    rows = turn.messages.exclude(role="user").order_by("position")
    cut = rows.annotate(text=Left("content", TEXT_SHOWN), characters=Length("content"))
    by_round: dict[int, list[Text]] = defaultdict(list)
    last = 0
    for row in cut.values("role", "text", "characters", "tool_round", "tool_name", "tool_arguments"):
        number = row["tool_round"] or last + 1
        last = max(last, row["tool_round"])
        if row["role"] == "tool":
            by_round[number].append(Text(f"calls {row['tool_name']}", row["tool_arguments"][:TEXT_SHOWN], False))
        else:
            by_round[number].append(Text(row["role"], row["text"], row["characters"] > TEXT_SHOWN))
    return by_round


def _list_in(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _dump(data: Any) -> str:
    return "" if data is None else pretty_json(orjson.dumps(data).decode())


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None
