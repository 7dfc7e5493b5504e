"""The shapes in which servers of the chat completions protocol really answer, known in this one place.

`events` reads server-sent events, `chunks` what an event says, `thoughts` and `channels` the reasoning within a text,
`tool_calls` puts calls together, `verbatim` keeps what a provider wants back. All of it is pure: no HTTP, no database.
Each shape has its line in tests/chat/reading/ or tests/seen/, with the source that shows it.
"""
