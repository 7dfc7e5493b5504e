"""The tool `search_documents`, which an App's model has as soon as the App has a document to search."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps_registry.retrieval.passages import for_model
from apps_registry.retrieval.search import search
from apps_registry.support.database_errors import is_transient
from apps_registry.tools.base import SEARCH_TOOL, Tool, ToolContext, ToolError

NAME = SEARCH_TOOL
DESCRIPTION = (
    "Search this assistant's own documents and get the passages that fit best, each with a marker, its document and "
    "its place. Use it whenever the documents may hold the answer, before answering from memory, and cite what you use "
    "by its marker. Ask in the words of the matter; search again with other words if the passages do not answer."
)
MAX_TAGS = 50


def search_tool(app_id: int, tags: Sequence[str], *, documents: Mapping[int, Sequence[str]] | None = None) -> Tool:
    """Return the tool, bound to one App: no argument of the model's can lead it to another's documents.

    Args:
        app_id: whose documents it searches.
        tags: those that the documents bear; searches can be narrowed to one.
        documents: ids of the only ones to search, with their tags; None: all of the App, with those that they bear now.
    """
    properties: dict[str, Any] = {"query": {"type": "string", "description": "A question, or words to look for."}}
    if tags:
        description = "Only documents with this tag. Leave it out to search all."
        properties["tag"] = {"type": "string", "enum": list(tags[:MAX_TAGS]), "description": description}
    parameters = {"type": "object", "properties": properties, "required": ["query"], "additionalProperties": False}

    async def run(arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        query, tag = arguments["query"], arguments.get("tag")
        try:
            if documents is None:
                found = await search(app_id, query, tag=tag)
            else:
                chosen = [id_ for id_, borne in documents.items() if tag is None or tag in borne]
                found = await search(app_id, query, documents=chosen)
        except Exception as error:
            if is_transient(error):
                raise ToolError("the documents cannot be searched right now") from None
            raise
        return for_model(found.passages)

    return Tool(NAME, DESCRIPTION, parameters, run)
