"""The sections of an App's form: their fields, and which sections are collapsed or hidden."""

from typing import Any

COLLAPSED = ("Turns", "Sessions", "OpenAI clients and callers' tools")
COLLAPSED_WHEN_ADDING = (*COLLAPSED, "Sampling", "Releases", "Documents", "Access")
HIDDEN_WHEN_ADDING = {
    *("documents", "standing", "allowed_hosts", "only_hosts", "allowed_origins", "refuses_other_origins"),
    *("allowed_networks", "trusts_backend_wallets", "claimed_wallets_may_sign", "created", "updated"),
}
FIELDSETS: Any = (
    (
        "Identity",
        {
            "fields": ("name", "slug", "description"),
            "description": "An App is one assistant: its instructions, its model, its tools, and its own sessions "
            "and keys. Callers put the slug into their requests, so it cannot change once the App exists; the "
            "name can.",
        },
    ),
    ("Prompt", {"fields": ("preamble", "reply_language")}),
    (
        "Model",
        {
            "fields": ("default_model",),
            "description": "The model that answers. A model that does not call tools gets neither tools nor documents.",
        },
    ),
    (
        "Tools",
        {
            "fields": ("builtin_tools", "allowed_hosts", "only_hosts"),
            "description": "Functions that the model may call while it answers. ",
        },
    ),
    (
        "Sampling",
        {
            "fields": ("temperature", "top_p", "max_reply_tokens"),
            "description": "How much the output of the model varies. Leave these empty unless you have a reason.",
        },
    ),
    (
        "Turns",
        {
            "fields": ("reply_wait_seconds", "max_tool_rounds", "history_budget_tokens", "summarises_history"),
            "description": "A turn is one message and everything that the App does to answer it.",
        },
    ),
    (
        "Sessions",
        {
            "fields": (
                "makes_titles",
                "keeps_reasoning",
                "keeps_requests_days",
                "shows_usage",
                "recalls_earlier_sessions",
                "retention_days",
            ),
            "description": "A session is one conversation of this App.",
        },
    ),
    ("Releases", {"fields": ("sessions_keep_release",)}),
    (
        "OpenAI clients and callers' tools",
        {
            "fields": (
                "callers_may_bring_tools",
                "callers_may_instruct",
                "callers_may_sample",
                "keeps_stateless_text",
                "continues_chats_of_openwebui",
            ),
            "description": "What callers may do in addition to sending messages. A change takes effect immediately, "
            "for all releases.",
        },
    ),
    (
        "Documents",
        {
            "fields": ("documents", "documents_limit_mb", "document_language", "embedding_model"),
            "description": "Your own texts, which the model searches and cites. If you change the language or the "
            "embedding model, they are indexed again in the background.",
        },
    ),
    (
        "Access",
        {
            "fields": (
                *("standing", "is_active", "sessions_readable_by_id", "allowed_origins", "refuses_other_origins"),
                *("allowed_networks", "trusts_backend_wallets", "claimed_wallets_may_sign", "created", "updated"),
            ),
            "description": "Who may call it. The default App answers callers without a key. Callers of any other "
            "App need an App key that has this App in its scope.",
        },
    ),
)


def folded(title: str, options: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """Return a section, collapsed if it has good defaults; for a new App, without fields that need a saved App."""
    return {
        **options,
        "fields": [name for name in options["fields"] if not (is_new and name in HIDDEN_WHEN_ADDING)],
        "classes": ("collapse",) if title in (COLLAPSED_WHEN_ADDING if is_new else COLLAPSED) else (),
    }
