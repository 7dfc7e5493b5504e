"""The form in which results of tools reach the model."""

from apps_registry.support.text.visible_text import visible

TOOL_RESULT_MAX_CHARS = 32_000


def visible_result(result: str) -> str:
    """Return a result without invisible characters; a long one is cut, with a note."""
    if len(result) <= TOOL_RESULT_MAX_CHARS:
        return visible(result)
    return visible(result[:TOOL_RESULT_MAX_CHARS]) + f"… (cut; {len(result)} characters in all)"
