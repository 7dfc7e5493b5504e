"""Providers of language models, and their models."""

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from apps_registry.credentials.encryption import decrypt, encrypt
from apps_registry.credentials.provider_key import ProviderKey, variable_problem
from apps_registry.credentials.secret_box import Keys
from apps_registry.http_tools.checks import header_problems
from apps_registry.provider_rules.profiles import PROFILES, Profile, profile_of
from apps_registry.provider_rules.request_rules import find_rules_problem
from apps_registry.values import find_option_problem

# This alphabet has no look-alikes, and no names that differ only in case.
SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])\Z"
validate_slug = RegexValidator(
    SLUG_PATTERN,
    "Use 2 to 40 lower-case letters, digits and hyphens, beginning and ending with a letter or digit.",
)
# Looser than Django's URLField, which refuses names without a dot, such as a container's.
validate_base_url = RegexValidator(
    r"^https?://[A-Za-z0-9.\-_\[\]:]+(/[^\s?#]*)?\Z",
    "Use an address such as https://api.openai.com/v1, without a query.",
)
PRICE: dict[str, Any] = {
    "max_digits": 12,
    "decimal_places": 6,
    "null": True,
    "blank": True,
    "validators": [MinValueValidator(Decimal(0))],
}


# Variables of this server itself, which are never sent to a provider.
OWN_VARIABLES = frozenset({"DATABASE_URL", "METRICS_TOKEN", "REDIS_URL", "SECRETS_KEYS", "SECRET_KEY"})


def validate_variable(name: str) -> None:
    """Refuse variables that contain secrets of this server."""
    if name in OWN_VARIABLES:
        raise ValidationError(f"{name} belongs to this server and cannot be sent to a provider.")


def validate_headers(headers: object) -> None:
    """Refuse headers that a request cannot carry, or that contain credentials."""
    for problem in header_problems(headers):
        raise ValidationError(problem)


def validate_options(options: object) -> None:
    """Refuse options that are not a small JSON object, or that set fields of this server."""
    if problem := find_option_problem(options):
        raise ValidationError(problem)


def validate_rules(rules: object) -> None:
    """Refuse invalid request rules, and rules that remove a required field."""
    if problem := find_rules_problem(rules):
        raise ValidationError(problem)


class Provider(models.Model):
    """A server with the OpenAI chat completions API."""

    slug = models.CharField(
        max_length=40, unique=True, validators=[validate_slug], help_text="A short name for operators."
    )
    profile = models.CharField(
        max_length=20,
        blank=True,
        choices=[(profile.key, profile.title) for profile in PROFILES.values()],
        help_text="The kind of provider, which decides the rules for its requests. Empty: recognised by its address.",
    )
    base_url = models.CharField(
        "base URL",
        max_length=500,
        validators=[validate_base_url],
        help_text="The address before /chat/completions, such as https://api.openai.com/v1.",
    )
    api_key_env = models.CharField(
        "API key variable",
        max_length=100,
        blank=True,
        validators=[
            RegexValidator(r"^[A-Z][A-Z0-9_]*\Z", "Use the name of an environment variable, such as OPENAI_API_KEY."),
            validate_variable,
        ],
        help_text="The environment variable that contains the API key, instead of a key that is stored here. The "
        "setting PROVIDER_KEY_VARIABLES must allow it for the base URL. Without either, requests carry no key.",
    )
    api_key_token = models.TextField(blank=True, default="", editable=False)
    headers = models.JSONField(default=dict, blank=True, validators=[validate_headers])  # name -> value
    max_concurrent = models.PositiveIntegerField(
        "concurrent requests",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Maximum per worker. Further requests wait, within their time limit. Empty: no limit.",
    )
    first_token_seconds = models.FloatField(
        "time limit until the first token (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(600)],
        help_text="Empty: the setting MODEL_FIRST_TOKEN_TIMEOUT_SECONDS, or for an address of this machine "
        "MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS if that is longer.",
    )
    gap_seconds = models.FloatField(
        "time limit between tokens (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(600)],
        help_text="Empty: the setting MODEL_GAP_TIMEOUT_SECONDS.",
    )

    def __str__(self) -> str:
        return self.slug

    @property
    def known_profile(self) -> Profile:
        """The profile that was chosen, or the one that matches the address."""
        return profile_of(self.profile, self.base_url)

    @property
    def key(self) -> ProviderKey:
        """Where its key is stored."""
        return ProviderKey(
            provider_id=self.pk,
            base_url=self.base_url,
            token=self.api_key_token,
            variable=self.api_key_env,
            variables=settings.PROVIDER_KEY_VARIABLES,
            keys=Keys(settings.SECRETS_KEYS),
        )

    def clean(self) -> None:
        """Check that PROVIDER_KEY_VARIABLES allows the variable for this address."""
        super().clean()
        problem = self.api_key_env and variable_problem(
            self.api_key_env, self.base_url, settings.PROVIDER_KEY_VARIABLES
        )
        if problem:
            raise ValidationError(
                {"api_key_env": f"{problem[0].upper()}{problem[1:]}: add it there, or store the key here."}
            )

    def set_key(self, value: str) -> None:
        """Encrypt a new key for the current base URL; the row must have its id and is not saved.

        Raises:
            apps_registry.credentials.encryption.NoKeys: SECRETS_KEYS is empty.
        """
        self.api_key_token = encrypt(value, binding=self.key.binding, keys=settings.SECRETS_KEYS)

    def reencrypt(self) -> None:
        """Encrypt the key again with the first of SECRETS_KEYS.

        Raises:
            apps_registry.credentials.encryption.Unreadable: none of them can decrypt it.
        """
        self.set_key(decrypt(self.api_key_token, binding=self.key.binding, keys=settings.SECRETS_KEYS))


class Model(models.Model):
    """A language model of a provider, with the name by which Apps and callers choose it."""

    name = models.CharField(max_length=100, unique=True, help_text="The name by which callers choose the model.")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="models")
    provider_model_id = models.CharField(
        "provider's model id",
        max_length=200,
        help_text="The provider's name for the model, sent with every request.",
    )
    context_window = models.PositiveIntegerField(
        default=128_000,
        validators=[MinValueValidator(512)],
        help_text="Maximum number of tokens of prompt and reply together.",
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Maximum number of tokens of an answer, as the provider documents it, including the reasoning of "
        "reasoning models. It is sent with every request unless an App sets a lower limit. Empty: a quarter of the "
        "context window, at most 16,384.",
    )
    supports_tools = models.BooleanField(
        default=True, help_text="Turn off for models that cannot call tools; they get no tools then."
    )
    supports_json = models.BooleanField(
        "supports JSON mode", default=False, help_text="Allows response_format in the request options."
    )
    prompt_price = models.DecimalField(help_text="Price of a million tokens of the prompt. Empty: unknown.", **PRICE)
    completion_price = models.DecimalField(
        help_text="Price of a million tokens of the answer. Empty: unknown.", **PRICE
    )
    request_options = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_options],
        help_text='A JSON object that is added to every request, such as {"reasoning_effort": "low"}.',
    )
    # In addition to the rules of the profile: fields that the provider refused in a check or in a turn.
    request_rules = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_rules],
        help_text="Fields that the provider refused, in a check or in a turn, and that are now left out or renamed. "
        "Set it to {} to detect them again.",
    )

    def __str__(self) -> str:
        return self.name

    @property
    def request_rules_text(self) -> str:
        """The request rules as JSON text, for the admin."""
        return json.dumps(self.request_rules)

    def clean(self) -> None:
        """Refuse options that need JSON mode if the model does not support it."""
        options = self.request_options
        if isinstance(options, dict) and "response_format" in options and not self.supports_json:
            raise ValidationError({"request_options": "response_format needs a model that supports JSON mode."})
