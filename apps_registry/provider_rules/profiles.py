"""Profiles of known providers of the chat completions API: their addresses and their rules for requests.

Each rule has a source: the provider's documentation, or, where that has no information, a public report of the error.
A missing rule costs one refused request per model: the field that the refusal names is then left out and remembered.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from apps_registry.provider_rules.request_rules import MAX_TOKENS, RequestRules
from apps_registry.provider_rules.tool_rules import ToolRules

_NEW_LIMIT = RequestRules(rename={MAX_TOKENS: "max_completion_tokens"})
_NO_CHOICE_AT_THE_TOP = frozenset({"oneOf", "anyOf", "allOf", "enum", "not"})
# A server on this machine may load its model on the first request, and many send comments while they do.
_THIS_MACHINE = frozenset({"localhost", "::1", "host.docker.internal", "host.containers.internal"})


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of provider.

    Attributes:
        key: its id in rows and App files.
        title: its name in the admin.
        base_url: the address in its documentation; the operator must replace words in capitals.
        hosts: host names by which it is recognised; a name that begins with a dot is a suffix.
        key_variable: the environment variable that its documentation uses.
        key_header: the header for the key; empty: Authorization, as a bearer token.
        rules: rules for the fields of requests.
        tools: rules for tools.
        hint: setup instructions for the operator.
        sources: addresses of the sources of the rules.
    """

    key: str
    title: str
    base_url: str = ""
    hosts: tuple[str, ...] = ()
    key_variable: str = ""
    key_header: str = ""
    rules: RequestRules = field(default_factory=RequestRules)
    tools: ToolRules = field(default_factory=ToolRules)
    hint: str = ""
    sources: tuple[str, ...] = ()


OTHER = Profile("other", "Other OpenAI-compatible server", hint="Check each model once to detect what it accepts.")

_PROFILES = (
    Profile(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        ("api.openai.com",),
        "OPENAI_API_KEY",
        rules=_NEW_LIMIT,
        tools=ToolRules(not_at_the_top=_NO_CHOICE_AT_THE_TOP, wants_items=True, max_tools=128),
        hint="Reasoning models refuse temperature and top_p; their output limit includes the reasoning.",
        sources=(
            # max_tokens is "deprecated in favor of max_completion_tokens, and is not compatible with o-series models";
            # "a max of 128 functions are supported".
            "https://platform.openai.com/docs/api-reference/chat/create",
            "https://platform.openai.com/docs/guides/reasoning",
            # "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level"
            "https://github.com/nspady/google-calendar-mcp/issues/39",
            # "array schema missing items"
            "https://github.com/langgenius/dify/issues/32894",
        ),
    ),
    Profile(
        "azure",
        "Azure OpenAI",
        "https://RESOURCE.openai.azure.com/openai/v1",
        (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
        "AZURE_OPENAI_API_KEY",
        key_header="api-key",
        rules=_NEW_LIMIT,
        tools=ToolRules(not_at_the_top=_NO_CHOICE_AT_THE_TOP, wants_items=True, max_tools=128),
        hint="Use the address of the v1 API, which has no api-version; the provider's model id is the name of the "
        "deployment.",
        sources=(
            "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
            "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning",
            "https://github.com/openai/openai-node/blob/master/azure.md",
        ),
    ),
    Profile(
        "anthropic",
        "Anthropic (compatible endpoint)",
        "https://api.anthropic.com/v1",
        ("api.anthropic.com",),
        "ANTHROPIC_API_KEY",
        tools=ToolRules(not_at_the_top=frozenset({"oneOf", "anyOf", "allOf"})),
        hint="The temperature is from 0 to 1; reasoning_effort, response_format and seed are ignored. Set the model's "
        "output limit: it differs from model to model.",
        sources=(
            "https://docs.anthropic.com/en/api/openai-sdk",
            # "input_schema does not support oneOf, allOf, or anyOf at the top level"
            "https://github.com/anthropics/claude-code/issues/5319",
        ),
    ),
    Profile(
        "gemini",
        "Gemini (compatible endpoint)",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("generativelanguage.googleapis.com",),
        "GEMINI_API_KEY",
        tools=ToolRules(
            name=r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}\Z",
            name_words="it must begin with a letter or an underscore",
            not_at_the_top=_NO_CHOICE_AT_THE_TOP,
            wants_items=True,
            keywords=frozenset(
                {
                    *("type", "format", "title", "description", "nullable", "enum", "default", "example"),
                    *("properties", "required", "items", "anyOf", "minItems", "maxItems", "minLength", "maxLength"),
                    *("pattern", "minimum", "maximum", "minProperties", "maxProperties", "propertyOrdering"),
                }
            ),
            formats=frozenset({"enum", "date-time"}),
        ),
        hint="Use a provider's model id such as gemini-2.5-flash, without the prefix models/.",
        sources=(
            "https://ai.google.dev/gemini-api/docs/openai",
            "https://ai.google.dev/api/caching#Schema",
            # "only 'enum' and 'date-time' are supported for STRING type"
            "https://github.com/enechange/collmbo/pull/195",
            # "Must start with a letter or an underscore"
            "https://github.com/google-gemini/gemini-cli/issues/7869",
            # "parameters.properties[includeTags].items: missing field"
            "https://github.com/cline/cline/issues/7339",
        ),
    ),
    Profile(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        ("api.mistral.ai",),
        "MISTRAL_API_KEY",
        rules=RequestRules(omit=frozenset({"stream_options"})),
        hint="Unknown fields are refused with 422; usage is always sent.",
        sources=(
            "https://docs.mistral.ai/api/",
            # extra_forbidden for body.stream_options.include_usage; usage is always sent
            "https://github.com/dnakov/anon-kode/issues/53",
            # "Tool call id … must be a-z, A-Z, 0-9, with a length of 9"
            "https://github.com/vllm-project/vllm/issues/9019",
        ),
    ),
    Profile(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/v1",
        ("api.deepseek.com",),
        "DEEPSEEK_API_KEY",
        tools=ToolRules(max_tools=128),
        hint="With thinking, temperature and top_p have no effect. Set the model's output limit.",
        sources=(
            "https://api-docs.deepseek.com/api/create-chat-completion",
            # "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"
            "https://github.com/deepseek-ai/DeepSeek-V3/issues/69",
        ),
    ),
    Profile(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        ("api.groq.com",),
        "GROQ_API_KEY",
        rules=_NEW_LIMIT,
        tools=ToolRules(max_tools=128),
        hint="logprobs, logit_bias and top_logprobs are refused with 400.",
        sources=(
            "https://console.groq.com/docs/openai",
            # max_tokens is "deprecated in favor of max_completion_tokens"
            "https://console.groq.com/docs/api-reference",
            # "`max_completion_tokens` must be less than or equal to `16384`"
            "https://github.com/Alishahryar1/free-claude-code/issues/1354",
        ),
    ),
    Profile(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        ("openrouter.ai",),
        "OPENROUTER_API_KEY",
        # A request can be routed to any provider, so the strictest common rules apply.
        tools=ToolRules(not_at_the_top=_NO_CHOICE_AT_THE_TOP, wants_items=True, max_tools=128),
        hint="Models without tools answer 404 to a request with tools: turn “supports tools” off for them.",
        sources=(
            "https://openrouter.ai/docs/api-reference/parameters",
            "https://openrouter.ai/docs/guides/routing/provider-selection",
            # a schema with oneOf at the top, refused by the provider behind it
            "https://github.com/cecli-dev/cecli/issues/281",
            # "No endpoints found that support tool use"
            "https://github.com/Routstr/routstr-core/issues/554",
        ),
    ),
    Profile(
        "ollama",
        "Ollama",
        "http://localhost:11434/v1",
        hint="No key. The context window is a setting of that server (OLLAMA_CONTEXT_LENGTH): enter the same number "
        "for the model here, otherwise prompts are cut silently. tool_choice is ignored.",
        sources=(
            "https://docs.ollama.com/api/openai-compatibility",
            "https://docs.ollama.com/context-length",
            # "registry.ollama.ai/library/llama3:8b does not support tools"
            "https://github.com/ollama/ollama/issues/11131",
        ),
    ),
    Profile(
        "vllm",
        "vLLM",
        "http://localhost:8000/v1",
        hint="Tools need the options --enable-auto-tool-choice and --tool-call-parser. Write --max-model-len into the "
        "context window here: prompt and answer together must fit.",
        sources=(
            "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
            "https://docs.vllm.ai/en/latest/features/tool_calling.html",
            # '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            "https://github.com/vllm-project/vllm/issues/9986",
        ),
    ),
    Profile(
        "llamacpp",
        "llama.cpp",
        "http://localhost:8080/v1",
        tools=ToolRules(wants_plain_patterns=True),
        hint="Tools need --jinja, which older versions do not set. Write --ctx-size into the context window here.",
        sources=(
            "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
            "https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md",
            # "Pattern must start with '^' and end with '$'"; \\d, \\w and \\s give a grammar that cannot be parsed
            "https://github.com/ggml-org/llama.cpp/issues/26930",
            "https://github.com/ggml-org/llama.cpp/issues/27580",
            # "tools param requires --jinja flag"
            "https://github.com/containers/ramalama/issues/988",
        ),
    ),
    Profile(
        "lmstudio",
        "LM Studio",
        "http://localhost:1234/v1",
        hint="No key. It loads a model on the first request, which may take a while.",
        sources=(
            "https://lmstudio.ai/docs/developer/openai-compat/chat-completions",
            "https://lmstudio.ai/docs/developer/openai-compat/tools",
        ),
    ),
    OTHER,
)
PROFILES = {profile.key: profile for profile in _PROFILES}


def profile_of(key: str, base_url: str) -> Profile:
    """Return the profile of a provider: the chosen one, otherwise the one that matches the address.

    Args:
        key: key of the chosen profile; empty: none was chosen.
        base_url: the provider's address.
    """
    if key in PROFILES:
        return PROFILES[key]
    host = host_of(base_url)
    return next((profile for profile in _PROFILES if any(_matches(host, name) for name in profile.hosts)), OTHER)


def _matches(host: str, name: str) -> bool:
    return host.endswith(name) if name.startswith(".") else host == name


def is_on_this_machine(base_url: str) -> bool:
    """Tell whether an address is on this machine, where a server may still have to load the model."""
    host = host_of(base_url)
    return host in _THIS_MACHINE or host.startswith("127.") or host.endswith(".localhost")


def host_of(base_url: str) -> str:
    """Return the host of an address in lower case; empty if it has none."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
