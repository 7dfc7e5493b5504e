"""Responses and Conversations of OpenAI (Open Responses): a response is a turn, a conversation is a session."""
