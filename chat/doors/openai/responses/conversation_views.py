"""`/v1/conversations`: sessions, with the metadata that callers give them."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from chat.access import check_chat, check_token
from chat.doors.openai.base import OpenAIView
from chat.doors.openai.errors import InvalidParameter, NoSuchObject
from chat.doors.openai.named_sessions import SESSION_HEADER, check_header, session_of_header
from chat.doors.openai.responses.ids import conversation_id
from chat.doors.openai.responses.input_items import brought_messages
from chat.doors.openai.responses.items import conversation_items, items_of_messages, page
from chat.doors.openai.responses.lookup import find_conversation
from chat.doors.openai.responses.requests import ConversationRequest, ItemsRequest, UpdateRequest
from chat.turns.deleting import delete_session
from keys.guards.storage import count_stored
from sessions_app.conversations import RequestKept, add_messages, delete_message, metadata_of, set_metadata
from sessions_app.turns.responses import records_of_session
from sessions_app.turns.values import SessionBusy
from sessions_app.values import Session, StoredMessage

DELETE_ATTEMPTS = 3
KEPT = "it is a request to the user's wallet, whose number must not be used again; delete the conversation instead"


class ConversationsView(OpenAIView):
    """Creates conversations."""

    async def post(self, request: Request) -> Response:
        """Create a conversation, with items if the request has some."""
        params = ConversationRequest.of(cast(dict[str, Any], request.data))
        metadata, messages = params.checked_metadata(), brought_messages(params.items or ())
        app = (await self.app_of_model(params.model))[0] if params.model else await self._only_app()
        session_id = await self._create(app)
        await self._write(session_id, metadata, messages)
        session, _ = await self.known_session(session_id)
        return Response(_conversation(session, metadata))

    async def _create(self, app: AppConfig | None) -> UUID:
        """Create the session: that of the header or of the browser token, if they name one."""
        if named := session_of_header(self.request.headers):
            check_token(self.caller, named, None)
            if await self.create_session(named, app) is None:
                raise InvalidParameter(SESSION_HEADER, "its session exists already; name it as conversation")
            return named
        session_id = (self.caller.token and self.caller.token.session_id) or uuid4()
        await self.create_session(session_id, app)
        return session_id

    async def _only_app(self) -> AppConfig | None:
        """Return the App of a key that opens only one, so that keys of other Apps cannot use the conversation."""
        if self.caller.token is not None or len(self.caller.app_ids) != 1:
            return None
        (app_id,) = self.caller.app_ids
        return self.note_app(check_chat(self.caller, await app_configs.by_id(app_id, revision=self.caller.revision)))

    async def _write(self, session_id: UUID, metadata: dict[str, str], messages: Sequence[StoredMessage]) -> None:
        await count_stored(self.caller, len(orjson.dumps([metadata, messages])))
        if messages:
            await add_messages(session_id, messages)
        if metadata:
            await set_metadata(session_id, metadata)


class _OneConversation(OpenAIView):
    """A view of one conversation."""

    async def find(self, name: str) -> Session:
        """Return the session that the path names."""
        session, app = await find_conversation(self.caller, name)
        check_header(self.request.headers, session.id, "the conversation")
        self.note_app(app)
        return session


class ConversationView(_OneConversation):
    """Reads, changes and deletes one conversation."""

    async def get(self, request: Request, conversation: str) -> Response:
        """Answer with the conversation, without its items."""
        session = await self.find(conversation)
        return Response(_conversation(session, await metadata_of(session.id)))

    async def post(self, request: Request, conversation: str) -> Response:
        """Replace the metadata."""
        session = await self.find(conversation)
        metadata = UpdateRequest.of(cast(dict[str, Any], request.data)).checked_metadata()
        await count_stored(self.caller, len(orjson.dumps(metadata)))
        await set_metadata(session.id, metadata)
        return Response(_conversation(session, metadata))

    async def delete(self, request: Request, conversation: str) -> Response:
        """Delete the session with all its messages; a running turn is stopped."""
        session = await self.find(conversation)
        await delete_session(session.id)
        body = {"id": conversation_id(session.id), "object": "conversation.deleted", "deleted": True}
        return Response(body)


class ItemsView(_OneConversation):
    """The items of a conversation."""

    async def get(self, request: Request, conversation: str) -> Response:
        """List the items."""
        return Response(page(request, await _items(await self.find(conversation))))

    async def post(self, request: Request, conversation: str) -> Response:
        """Add messages of the caller, without calling a model."""
        session = await self.find(conversation)
        messages = brought_messages(ItemsRequest.of(cast(dict[str, Any], request.data)).items)
        await count_stored(self.caller, len(orjson.dumps(messages)))
        if messages:
            await add_messages(session.id, messages)
        items = await _items(await self.find(conversation))
        count = sum(1 + (message.role == "tool") for message in messages)  # a call and its output are one message
        added = items[len(items) - count :]
        ends = (
            {"first_id": added[0]["id"], "last_id": added[-1]["id"]} if added else {"first_id": None, "last_id": None}
        )
        return Response({"object": "list", "data": added, "has_more": False, **ends})


class ItemView(_OneConversation):
    """Reads one item of a conversation."""

    async def get(self, request: Request, conversation: str, item: str) -> Response:
        """Answer with the item."""
        _, found = await self._find_item(await self.find(conversation), item)
        return Response(found)

    async def delete(self, request: Request, conversation: str, item: str) -> Response:
        """Delete the item from the history, a call together with its output; answer with the conversation."""
        for _ in range(DELETE_ATTEMPTS):
            session = await self.find(conversation)
            message, _item = await self._find_item(session, item)
            try:
                is_deleted = await delete_message(session, message)
            except RequestKept:
                raise InvalidParameter("item_id", KEPT) from None
            if is_deleted:
                return Response(_conversation(session, await metadata_of(session.id)))
        raise SessionBusy

    async def _find_item(self, session: Session, item_id: str) -> tuple[StoredMessage, dict[str, Any]]:
        for message, item in items_of_messages(session, await records_of_session(session.id)):
            if item["id"] == item_id:
                return message, item
        raise NoSuchObject("There is no such item in this conversation.")


async def _items(session: Session) -> list[dict[str, Any]]:
    return list(conversation_items(session, await records_of_session(session.id)))


def _conversation(session: Session, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "id": conversation_id(session.id),
        "object": "conversation",
        "created_at": int(session.created_at.timestamp()),
        "metadata": metadata,
    }
