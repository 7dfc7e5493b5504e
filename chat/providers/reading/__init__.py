"""Parses the answers of real servers of the chat completions protocol, in all their variants.

`events` parses server-sent events, `chunks` the JSON in them, `thoughts` and `channels` the reasoning within text.
`tool_calls` assembles tool calls, and `verbatim` keeps fields that a provider requires back. This package does no I/O.
Each variant has a test in tests/unit/chat/reading/ or tests/seen/, which names its source.
"""
