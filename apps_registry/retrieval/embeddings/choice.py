"""Which embedder an embedding model's row means."""

from dataclasses import dataclass

from django.conf import settings

from apps_registry.retrieval.embeddings.base import Embedder
from apps_registry.retrieval.embeddings.minilm import MiniLM
from apps_registry.retrieval.embeddings.openai_compatible import OpenAICompatibleEmbedder

# What a statement that joins the App's embedding model as `e` and its provider as `p` reads of them.
COLUMNS = "e.id, e.dimensions, e.provider_model_id, p.base_url, p.api_key_env"
JOINS = """
LEFT JOIN apps_registry_embeddingmodel e ON e.id = a.embedding_model_id
LEFT JOIN apps_registry_provider p ON p.id = e.provider_id
"""


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """An embedding model as COLUMNS reads it; without a base_url it is the embedded one."""

    id: int
    dimensions: int
    provider_model_id: str
    base_url: str | None
    api_key_env: str | None

    @property
    def embedder(self) -> Embedder:
        """What computes its vectors."""
        if self.base_url is None:
            return MiniLM(settings.DATA_DIR)
        return OpenAICompatibleEmbedder(
            base_url=self.base_url,
            api_key_env=self.api_key_env or "",
            model_id=self.provider_model_id,
            dimensions=self.dimensions,
        )

    def is_prompt(self) -> bool:
        """Tell whether it can answer a query at once; the embedded one cannot before its weights are there."""
        embedder = self.embedder
        return not isinstance(embedder, MiniLM) or embedder.is_installed()
