"""Chooses the embedder for an embedding model."""

from dataclasses import dataclass

from django.conf import settings

from apps_registry.credentials.provider_key import ProviderKey
from apps_registry.credentials.secret_box import Keys
from apps_registry.models.document import MULTILINGUAL
from apps_registry.retrieval.analysis.languages import possible_languages
from apps_registry.retrieval.embeddings.base import Embedder
from apps_registry.retrieval.embeddings.minilm import MiniLM
from apps_registry.retrieval.embeddings.multilingual import Multilingual
from apps_registry.retrieval.embeddings.openai_compatible import OpenAICompatibleEmbedder

# The columns of EmbeddingConfig, in statements that join the App's embedding model as `e` and its provider as `p`.
COLUMNS = "e.id, e.dimensions, e.provider_model_id, p.base_url, p.api_key_env, p.id, p.api_key_token, e.languages"
JOINS = """
LEFT JOIN apps_registry_embeddingmodel e ON e.id = a.embedding_model_id
LEFT JOIN apps_registry_provider p ON p.id = e.provider_id
"""


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """An embedding model in the order of COLUMNS; without a base_url it is an embedded model."""

    id: int
    dimensions: int
    provider_model_id: str
    base_url: str | None
    api_key_env: str | None
    provider_id: int | None
    api_key_token: str | None
    languages: list[str]

    @property
    def embedder(self) -> Embedder:
        """The embedder that computes its vectors."""
        if self.base_url is None or self.provider_id is None:
            return Multilingual() if self.provider_model_id == MULTILINGUAL else MiniLM(settings.DATA_DIR)
        key = ProviderKey(
            provider_id=self.provider_id,
            base_url=self.base_url,
            token=self.api_key_token or "",
            variable=self.api_key_env or "",
            variables=settings.PROVIDER_KEY_VARIABLES,
            keys=Keys(settings.SECRETS_KEYS),
        )
        return OpenAICompatibleEmbedder(
            base_url=self.base_url,
            key=key,
            model_id=self.provider_model_id,
            dimensions=self.dimensions,
        )

    def is_ready(self) -> bool:
        """Tell whether it can embed a query at once; an embedded model must be installed first."""
        embedder = self.embedder
        return not isinstance(embedder, MiniLM | Multilingual) or embedder.is_installed()

    def knows(self, text: str) -> bool:
        """Tell whether the text may be in a language that the model knows."""
        return not self.languages or bool(possible_languages(text) & {*self.languages})
