"""Documents of an App, their searchable chunks, and embedding models."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q, Value

# The text search configurations of every PostgreSQL; "simple" has no word forms and works for any language.
LANGUAGES = (
    *("simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish", "french", "german"),
    *("greek", "hindi", "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali", "norwegian"),
    *("portuguese", "romanian", "russian", "serbian", "spanish", "swedish", "tamil", "turkish", "yiddish"),
)
DETECTED = "auto"  # in place of a language: each document has its own
MULTILINGUAL = "use-multilingual-v3"
EMBEDDED_MODELS = ("", MULTILINGUAL)  # what this server runs itself: all-MiniLM-L6-v2 for English, and one for more
TAG_PATTERN = r"^[\w][\w .:/-]{0,49}\Z"
validate_tag = RegexValidator(TAG_PATTERN, "A tag has up to 50 letters, digits, spaces and . : / - _.")
MAX_DIMENSIONS = 4000  # maximum of an HNSW index of half-precision vectors


class EmbeddingModel(models.Model):
    """A model that turns text into vectors, so that search can find passages by meaning."""

    name = models.CharField(max_length=100, unique=True, help_text="The name by which operators choose it.")
    provider = models.ForeignKey(
        "apps_registry.Provider",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="embedding_models",
        help_text="A server with OpenAI's /embeddings API. Empty: an embedded model, which this server runs itself.",
    )
    provider_model_id = models.CharField(
        "provider's model id", max_length=200, blank=True, help_text="The provider's name for the model."
    )
    dimensions = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_DIMENSIONS)],
        help_text="Length of its vectors.",
    )

    languages = ArrayField(
        models.CharField(max_length=20),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=20))),
        blank=True,
        help_text="The languages it knows, by their English names in lower case, separated by commas. A search in "
        "another one is by words only. Empty: it knows all.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider_model_id"], condition=Q(provider=None), name="embedding_model_one_embedded"
            ),
            models.CheckConstraint(
                condition=Q(provider=None, provider_model_id__in=EMBEDDED_MODELS)
                | (Q(provider__isnull=False) & ~Q(provider_model_id="")),
                name="embedding_model_names_its_model",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CurrentDocuments(models.Manager["Document"]):
    """The documents of drafts, without the versions that only releases search."""

    def get_queryset(self) -> models.QuerySet["Document"]:
        """Leave out replaced versions."""
        return super().get_queryset().filter(replaced_at=None)


class Document(models.Model):
    """A file whose text an App can search and cite."""

    class State(models.TextChoices):
        """State of the ingest."""

        QUEUED = "queued"
        PROCESSING = "processing"
        READY = "ready"
        FAILED = "failed"
        CANCELLED = "cancelled"

    app = models.ForeignKey("apps_registry.App", on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=300, help_text="The file's name, with its folders.")
    title = models.CharField(max_length=200, help_text="The name by which answers cite it.")
    tags = ArrayField(
        models.CharField(max_length=50, validators=[validate_tag]),
        default=list,
        blank=True,
        help_text="A search can be limited to a tag. Separate several tags by commas.",
    )
    content_hash = models.CharField(max_length=64, editable=False)  # SHA-256, hexadecimal
    size_bytes = models.PositiveIntegerField(editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, editable=False)
    progress = models.PositiveSmallIntegerField(default=0, editable=False)  # percent
    error = models.TextField(blank=True, editable=False)
    warning = models.TextField(blank=True, editable=False)  # why search finds it by words only
    hidden_text = models.JSONField(default=list, editable=False)
    # What was not read or was guessed (extraction/losses.py).
    losses = models.JSONField(default=list, db_default=Value([], models.JSONField()), editable=False)
    # extraction.READER_VERSION at the last ingest; 0 if it was before there were versions.
    reader_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    chunk_count = models.PositiveIntegerField(default=0, editable=False)  # above 0: search can find it
    language_choice = models.CharField(
        "set language",
        max_length=20,
        choices=[(name, name) for name in LANGUAGES],
        default="",
        db_default="",
        blank=True,
        help_text="The language of this document. Empty: as its App says. A change takes effect in a moment.",
    )
    detected_language = models.CharField(max_length=20, default="", db_default="", editable=False)
    # What its chunks were indexed with; if the settings or the server's version differ, they are indexed again.
    language = models.CharField(max_length=20, default="simple", editable=False)
    index_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    embedding_model = models.ForeignKey(EmbeddingModel, on_delete=models.SET_NULL, null=True, editable=False)
    # The lease of the ingest that is processing it.
    lease_id = models.UUIDField(null=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(editable=False)
    ingested_at = models.DateTimeField(null=True, editable=False)
    # Set when only releases still search this version (retrieval/versions.py).
    replaced_at = models.DateTimeField(null=True, editable=False)

    objects = CurrentDocuments()
    versions = models.Manager["Document"]()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["app", "name"], condition=Q(replaced_at=None), name="document_name_once_per_app"
            ),
            models.UniqueConstraint(
                fields=["app", "content_hash"], condition=Q(replaced_at=None), name="document_content_once_per_app"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["queued_at", "id"], name="document_queue")]

    def __str__(self) -> str:
        return self.title


class DocumentFile(models.Model):
    """The original bytes of a document, in a separate table so that lists do not load them."""

    document = models.OneToOneField(Document, on_delete=models.CASCADE, primary_key=True, related_name="file")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"file of document {self.pk}"


class DocumentChunk(models.Model):
    """A piece of a document; searches return chunks."""

    app = models.ForeignKey("apps_registry.App", on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    position = models.PositiveIntegerField()
    heading = models.TextField(blank=True)
    text = models.TextField()
    first_page = models.PositiveIntegerField(null=True)
    last_page = models.PositiveIntegerField(null=True)
    first_line = models.PositiveIntegerField(null=True)
    last_line = models.PositiveIntegerField(null=True)
    search = SearchVectorField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "position"], name="document_chunk_position"),
        ]
        indexes: ClassVar = [GinIndex(fields=["search"], name="document_chunk_search", fastupdate=False)]

    def __str__(self) -> str:
        return f"chunk {self.position} of document {self.document_id}"


class ChunkWord(models.Model):
    """The number of an App's chunks that contain a word: rare words weigh more and narrow a search.

    Maintained by database triggers on the chunks. A special word that marks the App counts all its chunks.
    """

    app = models.ForeignKey("apps_registry.App", on_delete=models.CASCADE, related_name="+")
    word = models.TextField()
    chunks = models.IntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["app", "word"], name="chunk_word_once_per_app")]

    def __str__(self) -> str:
        return self.word
