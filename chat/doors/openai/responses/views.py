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
from chat.doors.openai.responses.lookup import FoundResponse, find_response
from chat.doors.openai.responses.replies import Reply, failure_of, reply_of, reply_to
from chat.doors.openai.responses.requests import ResponseRequest
from chat.doors.openai.responses.stream import response_events
from chat.doors.openai.responses.wire import response_body
from chat.turns.deleting import delete_session
from chat.turns.interrupts import interrupt
from chat.turns.running.runner import runner
from keys.http.streams import count_stream
from sessions_app.turns.responses import is_left_over, remove_record

MAX_DIGITS = 15


class ResponsesView(OpenAIView):
    """Offers Apps as models."""

    message_param = "input"

    async def post(self, request: Request) -> Response | EventStream[dict[str, Any]]:
        """Answer with the response, or with its events if the body has `stream`; the Accept header does not matter."""
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


class _OneResponse(OpenAIView):
    """A view of one response."""

    async def find(self, response_id: str) -> FoundResponse:
        """Return the response that the path names."""
        response = await find_response(self.caller, response_id)
        check_header(self.request.headers, response.session.id, "the response")
        self.note_app(response.app)
        return response


class ResponseView(_OneResponse):
    """Reads and deletes one response."""

    async def get(self, request: Request, response_id: str) -> Response | EventStream[dict[str, Any]]:
        """Answer with the response in its current state, or with its events: all, or those after a number."""
        response = await self.find(response_id)
        is_stream = request.query_params.get("stream") in {"true", "1"}
        after = _starting_after(request.query_params.get("starting_after"), is_stream=is_stream)
        if not is_stream:
            return await _answer(response)
        count_stream(request._request, self.caller, is_asked=True)
        label = response.app.slug if response.app else ""
        opened = Opened(self.caller, response.session.id)
        return EventStream(response_events(_request_of(response), opened, label, after=after))

    async def delete(self, request: Request, response_id: str) -> Response:
        """Delete the response; a session that was created for responses is deleted with its last one."""
        response = await self.find(response_id)
        await remove_record(response.turn.turn_id, response.record.round_number)
        if await is_left_over(response.session.id):
            await delete_session(response.session.id)
        return Response({"id": response_id, "object": "response.deleted", "deleted": True})


class CancelView(_OneResponse):
    """Cancels a response."""

    async def post(self, request: Request, response_id: str) -> Response:
        """Stop the turn, if it is running or waiting; answer with the response."""
        response = await self.find(response_id)
        if response.next_record is None and response.session.running_turn == response.turn.turn_id:
            async with guard.cancelling(Opened(self.caller, response.session.id)):
                await interrupt(response.session)
            response = await self.find(response_id)
        return await _answer(response)


class InputItemsView(_OneResponse):
    """Lists the input of a response."""

    async def get(self, request: Request, response_id: str) -> Response:
        """Answer with the message that began the turn, or with the answers that continued it."""
        response = await self.find(response_id)
        items = [answer_item(item) for item in response.record.items]
        if not response.record.round_number:
            own = [message for message in response.session.messages if message.turn_id == response.turn.turn_id]
            items = [input_item(message) for message in own if message.role == "user"]
        return Response(page(request, items))


def _starting_after(text: str | None, *, is_stream: bool) -> int:
    """Return the number of the last event that a client has, or -1 if it has none.

    Raises:
        InvalidParameter: it is not a number, or the request does not ask for a stream.
    """
    if text is None:
        return -1
    if not is_stream:
        raise InvalidParameter("starting_after", "it needs stream=true")
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise InvalidParameter("starting_after", "it is not the sequence_number of an event")
    return int(text)


async def _answer(response: FoundResponse) -> Response:
    return Response(_body(_request_of(response), await reply_of(response)))


def _request_of(response: FoundResponse) -> Begun:
    """Return the request of a response, with its turn if this worker is running it."""
    running = runner.running(response.session.id)
    is_here = running is not None and running.turn_id == response.turn.turn_id and response.next_record is None
    return Begun(
        response.turn.turn_id, response.session.id, running if is_here else None, response.record, is_stored=True
    )


def _body(begun: Begun, reply: Reply) -> dict[str, Any]:
    return response_body(begun.id, begun.record, reply, is_stored=begun.is_stored)
