"""`POST /v1/chat/completions`: starts or resumes a turn, and answers with a completion or a stream of its chunks."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.answers import EventStream
from chat.api.streams.guard import Opened, guard
from chat.api.streams.waiting import until_ended
from chat.doors.openai.base import OpenAIView
from chat.doors.openai.beginning import Beginning
from chat.doors.openai.chunks import completion_chunks
from chat.doors.openai.replies import reply_of
from chat.doors.openai.requests import CompletionRequest
from chat.doors.openai.wire import Completion
from keys.http.streams import count_stream


class ChatCompletionsView(OpenAIView):
    """Offers Apps as models."""

    tool_field = "function"

    async def post(self, request: Request) -> Response | EventStream[dict[str, Any]]:
        """Answer with the reply, as a stream if the body has `stream`; the Accept header does not matter."""
        params = CompletionRequest.of(cast(dict[str, Any], request.data))
        if params.stream:
            count_stream(request._request, self.caller, is_asked=True)
        app, model = await self.app_of_model(params.model)
        begun = await Beginning(self.caller, request.headers, params, app, model).begin()
        completion = Completion(begun.turn_id, begun.session_id, params.model, begun.round_number)
        opened = Opened(self.caller, begun.session_id, to_chat=True)
        headers = {"X-Session-Id": str(begun.session_id)}
        if params.stream:
            has_usage = params.stream_options is not None and params.stream_options.include_usage
            return EventStream(completion_chunks(begun, completion, opened, has_usage=has_usage), headers=headers)
        async with guard.cancelling(opened):
            await until_ended(begun.session_id, begun.running)
        return Response(completion.whole(await reply_of(begun)), headers=headers)
