"""The tool `search_documents`, which an App has as soon as it has a searchable document."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps_registry.retrieval.passages import for_model
from apps_registry.retrieval.search import search
from apps_registry.support.database_errors import is_transient
from apps_registry.tools.base import SEARCH_TOOL, Tool, ToolContext, ToolError

NAME = SEARCH_TOOL
DESCRIPTION = (
    "Search this assistant's own documents and get the best matching passages, each with a marker, its document and "
    "its place. Use it whenever the documents may contain the answer, before answering from memory, and cite what you "
    "use by its marker. Use the terms of the subject; search again with other words if the passages do not answer."
)
MAX_TAGS = 50


def search_tool(app_id: int, tags: Sequence[str], *, documents: Mapping[int, Sequence[str]] | None = None) -> Tool:
    """Return the search tool of one App; no argument of the model can reach the documents of another App.

    Args:
        app_id: the App to search.
        tags: tags of the documents; a search can be limited to one.
        documents: ids of the documents to search with their tags; None: all documents of the App with current tags.
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
                result = await search(app_id, query, tag=tag)
            else:
                selected = [id_ for id_, document_tags in documents.items() if tag is None or tag in document_tags]
                result = await search(app_id, query, documents=selected)
        except Exception as error:
            if is_transient(error):
                raise ToolError("the documents cannot be searched right now") from None
            raise
        return for_model(result.passages)

    return Tool(NAME, DESCRIPTION, parameters, run)
