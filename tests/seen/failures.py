"""Responses without a reply."""

from tests.model_server import DONE, Reply, sse
from tests.seen.shapes import HELLO, Failed, error

FAILURES: dict[str, Failed] = {
    "a field named error": Failed(
        "github.com/ggml-org/llama.cpp/pull/16109",
        Reply([b'error: {"code":400,"message":"SECRET the request exceeds","type":"invalid_request_error"}\n\n', DONE]),
        "error",
    ),
    "an event named error with the message alone": Failed(
        "github.com/openai/openai-node/pull/2021",
        Reply([b'event: error\ndata: {"message": "SECRET", "code": "server_error"}\n\n', DONE]),
        "error",
    ),
    "an error that is a text": Failed(
        "github.com/bigduu/Bamboo-agent/pull/98", Reply([sse({"error": "SECRET quota exceeded"}), DONE]), "error"
    ),
    "an error after half of the answer": Failed(
        "github.com/zendev-sh/goai/pull/110",
        Reply([HELLO, b"event: error\n" + sse({"error": {"message": "SECRET Compute error."}, "message": "x"})]),
        "error",
        at_most=1,
    ),
    "nothing at all": Failed(
        "github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2339",
        Reply([sse({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}}), DONE]),
        "",
    ),
    "a page of a proxy": Failed(
        "developers.cloudflare.com/support/troubleshooting/http-status-codes",
        Reply([b"<html><title>SECRET Sign in</title></html>"], headers={"Content-Type": "text/html"}),
        "not a chat completion",
    ),
    "a redirect": Failed(
        "a guess; no report was found",
        Reply(status=308, headers={"Location": "https://other.example.com/v1/chat/completions"}),
        "308",
    ),
    "what the filter refuses": Failed(
        "github.com/compl-ai/compl-ai/issues/20",
        error(
            "SECRET The response was filtered due to the prompt triggering a content management policy.",
            400,
            type=None,
            param="prompt",
            code="content_filter",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
        "filter",
        at_most=1,
    ),
}
