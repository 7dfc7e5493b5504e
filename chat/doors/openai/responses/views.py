"""`/v1/responses`: starts or resumes turns, and answers with a response or a stream of its events."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.answers import EventStream
from chat.api.streams.guard import Opened, guard
from chat.api.streams.waiting import until_ended
from chat.doors.openai.base import OpenAIView
from chat.doors.openai.errors import InvalidParameter
from chat.doors.openai.named_sessions import check_header
from chat.doors.openai.responses.beginning import Beginning, Begun
from chat.doors.openai.responses.items import answer_item, input_item, page
from chat.doors.openai.responses.lookup import Found, find_response
from chat.doors.openai.responses.replies import Reply, failure_of, reply_of, reply_to
from chat.doors.openai.responses.requests import ResponseRequest
from chat.doors.openai.responses.stream import response_events
from chat.doors.openai.responses.wire import response_body
from chat.turns.deleting import delete_session
from chat.turns.interrupts import interrupt
from chat.turns.running.runner import runner
from keys.http.streams import count_stream
from sessions_app.turns.responses import is_left_over, remove_record


class ResponsesView(OpenAIView):
    """An App as a model."""

    message_param = "input"

    async def post(self, request: Request) -> Response | EventStream[dict[str, Any]]:
        """Answer with the response, or with its events; `stream` in the body decides, never the Accept header."""
        params = ResponseRequest.of(cast(dict[str, Any], request.data))
        if params.stream:
            count_stream(request._request, self.caller, is_asked=True)
        app, model = await self.app_of_model(params.model)
        begun = await Beginning(self.caller, request.headers, params, app, model).begin()
        opened = Opened(self.caller, begun.session_id, to_chat=True)
        headers = {"X-Session-Id": str(begun.session_id)}
        if params.stream:
            return EventStream(response_events(begun, opened, app.slug), headers=headers)
        if params.background and begun.running is not None:
            return Response(_body(begun, Reply("queued")), headers=headers)
        async with guard.cancelling(opened):
            await until_ended(begun.session_id, begun.running)
        reply = await reply_to(begun, app.slug)
        if (failure := failure_of(reply)) and not params.background:
            raise failure
        return Response(_body(begun, reply), headers=headers)


class _OfResponse(OpenAIView):
    """A view of one response."""

    async def found(self, response_id: str) -> Found:
        """Return the response that the path names."""
        found = await find_response(self.caller, response_id)
        check_header(self.request.headers, found.session.id, "the response")
        self.note_app(found.app)
        return found


class ResponseView(_OfResponse):
    """One response."""

    async def get(self, request: Request, response_id: str) -> Response | EventStream[dict[str, Any]]:
        """Answer with the response in its present state, or with its events from the first one."""
        found = await self.found(response_id)
        if request.query_params.get("starting_after") is not None:
            raise InvalidParameter("starting_after", "it is not supported: a stream begins with its first event")
        if request.query_params.get("stream") in {"true", "1"}:
            count_stream(request._request, self.caller, is_asked=True)
            label = found.app.slug if found.app else ""
            return EventStream(response_events(_again(found), Opened(self.caller, found.session.id), label))
        return await _answer(found)

    async def delete(self, request: Request, response_id: str) -> Response:
        """Delete the response; a session that was made for responses goes with its last one."""
        found = await self.found(response_id)
        await remove_record(found.turn.turn_id, found.record.round_number)
        if await is_left_over(found.session.id):
            await delete_session(found.session.id)
        return Response({"id": response_id, "object": "response.deleted", "deleted": True})


class CancelView(_OfResponse):
    """Cancels a response."""

    async def post(self, request: Request, response_id: str) -> Response:
        """Stop the turn, if it runs or waits; answer with the response."""
        found = await self.found(response_id)
        if found.next_record is None and found.session.running_turn == found.turn.turn_id:
            async with guard.cancelling(Opened(self.caller, found.session.id)):
                await interrupt(found.session)
            found = await self.found(response_id)
        return await _answer(found)


class InputItemsView(_OfResponse):
    """Lists what a response answers."""

    async def get(self, request: Request, response_id: str) -> Response:
        """Answer the message that began the turn, or the answers that continued it."""
        found = await self.found(response_id)
        items = [answer_item(item) for item in found.record.items]
        if not found.record.round_number:
            own = [message for message in found.session.messages if message.turn_id == found.turn.turn_id]
            items = [input_item(message) for message in own if message.role == "user"]
        return Response(page(request, items))


async def _answer(found: Found) -> Response:
    return Response(_body(_again(found), await reply_of(found)))


def _again(found: Found) -> Begun:
    """Return the request of a response, with its turn if this worker runs it."""
    running = runner.running(found.session.id)
    is_here = running is not None and running.turn_id == found.turn.turn_id and found.next_record is None
    return Begun(found.turn.turn_id, found.session.id, running if is_here else None, found.record, is_stored=True)


def _body(begun: Begun, reply: Reply) -> dict[str, Any]:
    return response_body(begun.id, begun.record, reply, is_stored=begun.is_stored)
