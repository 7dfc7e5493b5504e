"""Replaces the items that an input names by their ids with the items themselves.

A caller can name any item that it may read. Items that the continued conversation already contains are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from chat.access import known_session
from chat.doors.openai.call_ids import read_call_id
from chat.doors.openai.errors import InvalidParameter, NoSuchObject
from chat.doors.openai.responses.ids import read_message_item_id
from chat.doors.openai.responses.input_items import ANSWERS
from chat.doors.openai.responses.items import conversation_items
from chat.doors.openai.responses.lookup import NOT_THE_CALLERS, find_conversation, find_response
from chat.doors.openai.responses.requests import ResponseRequest
from keys.callers import Caller
from sessions_app.conversations import sessions_of_messages
from sessions_app.turns.responses import records_of_session

REFERENCE = "item_reference"
MAX_SESSIONS = 100  # each of them is read, and every response may have a separate session


async def in_full(caller: Caller, params: ResponseRequest) -> Sequence[Mapping[str, Any]]:
    """Return the input of a request, with items instead of references.

    Raises:
        NoSuchObject: a named item, response or conversation does not exist for the caller.
        InvalidParameter: the named items are from too many responses.
    """
    items = params.input
    # If an input ends with answers, only these are read: the waiting turn has the rest.
    if not any(map(_is_reference, items)) or items[-1].get("type") in ANSWERS:
        return items
    continued = await _continued_items(caller, params)
    known = await _items_of(caller, await _sessions_of(items), continued)
    return list(_replaced(items, known, continued))


def _is_reference(item: Mapping[str, Any]) -> bool:
    return item.get("type") == REFERENCE or (
        "id" in item and item.keys() <= {"id", "type"} and item.get("type") is None
    )


async def _continued_items(caller: Caller, params: ResponseRequest) -> Mapping[str, Mapping[str, Any]]:
    """Return the items of the conversation that the request continues, by id."""
    if params.previous_response_id:
        session_id = (await find_response(caller, params.previous_response_id, param="previous_response_id")).session.id
    elif params.conversation:
        session_id = (await find_conversation(caller, params.conversation, param="conversation"))[0].id
    else:
        return {}
    return await _items_of(caller, {session_id})


async def _sessions_of(items: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Return the sessions whose messages and calls the items name."""
    named = [read_message_item_id(str(item.get("id"))) for item in items if _is_reference(item)]
    calls = [read_call_id(str(item["call_id"])) for item in items if "call_id" in item]
    sessions = await sessions_of_messages([message_id for message_id in named if message_id]) | {
        call[0] for call in calls if call
    }
    if len(sessions) > MAX_SESSIONS:
        raise InvalidParameter("input", f"it names items of more than {MAX_SESSIONS} responses")
    return sessions


async def _items_of(
    caller: Caller, sessions: set[UUID], known: Mapping[str, Mapping[str, Any]] | None = None
) -> Mapping[str, Mapping[str, Any]]:
    """Return the known items and those of the sessions that the caller may read, by id."""
    items = dict(known or {})
    for session_id in sessions:
        try:
            session, _ = await known_session(caller, session_id)
        except NOT_THE_CALLERS:
            continue
        items |= {item["id"]: item for item in conversation_items(session, await records_of_session(session_id))}
    return items


def _replaced(
    items: Sequence[Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    continued: Mapping[str, Mapping[str, Any]],
) -> Iterator[Mapping[str, Any]]:
    for index, item in enumerate(items):
        if not _is_reference(item):
            yield item
        elif not isinstance(item_id := item.get("id"), str):
            raise InvalidParameter(f"input[{index}].id", "it must be the id of an item")
        elif item_id not in known:
            raise NoSuchObject("There is no such item.", param=f"input[{index}].id")
        elif item_id not in continued:
            yield known[item_id]
