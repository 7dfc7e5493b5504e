"""The chat completions protocol of OpenAI, under /v1: an App is a model."""
