"""Forms of the Provider and Model pages; a provider's key can be set but is never shown."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from apps_registry.admin.forms.app import MaskedInput
from apps_registry.admin.forms.text_fields import JSONTextField
from apps_registry.admin.forms.tool_fields import PairsField, write_pairs
from apps_registry.credentials.encryption import NoKeys
from apps_registry.credentials.header_fit import validate_key
from apps_registry.models import Model, Provider


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A provider, with a field that sets its key."""

    api_key = forms.CharField(
        label="API key",
        required=False,
        max_length=2_000,
        strip=False,
        validators=[validate_key],
        widget=MaskedInput(attrs={"autocomplete": "off", "class": "vTextField aomi-masked", "spellcheck": "false"}),
        help_text="Stored encrypted, sent only to this base URL, and never shown again.",
    )
    forget_key = forms.BooleanField(label="Delete the stored key", required=False)
    headers = PairsField(
        help_text="One header per line, sent with every request, such as OpenAI-Organization: org-1. Not secret: they "
        "are shown here."
    )

    class Meta:
        model = Provider
        fields = (
            *("slug", "profile", "base_url", "api_key_env", "headers"),
            *("max_concurrent", "first_token_seconds", "gap_seconds"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["headers"] = write_pairs(self.instance.headers)
        if self.instance.api_key_token:
            self.fields["api_key"].widget.attrs["placeholder"] = "set; enter a new key to replace it"

    def clean_base_url(self) -> str:
        """Refuse the full address of chat completions, which many manuals give, and the placeholder RESOURCE."""
        url = str(self.cleaned_data["base_url"])
        if "RESOURCE" in url:
            raise ValidationError("Replace RESOURCE with the name of your resource.")
        if url.rstrip("/").endswith("/chat/completions"):
            raise ValidationError("Leave /chat/completions out: it is added to each request.")
        return url

    def clean_api_key(self) -> str:
        """Refuse a key that could not be stored encrypted."""
        if self.cleaned_data["api_key"] and not settings.SECRETS_KEYS:
            raise ValidationError(str(NoKeys()))
        return str(self.cleaned_data["api_key"])

    def clean(self) -> dict[str, Any]:
        """Require one source for the key, the key again for a new address, and no other Authorization header."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        is_stored = bool(self.instance.api_key_token) and not data.get("forget_key")
        # Not compared with the instance: validation may have changed it already.
        is_moved = "base_url" in data and data["base_url"] != self.initial.get("base_url")
        if is_stored and is_moved and not data.get("api_key"):
            self.add_error("api_key", "The base URL has changed: enter the key for the new address, or delete it.")
        has_key = is_stored or bool(data.get("api_key"))
        if has_key and data.get("api_key_env"):
            self.add_error("api_key_env", "Store a key or name a variable, not both.")
        names = {name.lower() for name in data.get("headers") or {}}
        if "authorization" in names and (has_key or data.get("api_key_env")):
            self.add_error("headers", "Authorization is set by the key.")
        return data

    def save_key(self) -> None:
        """Store or delete the key; call this after the provider has been saved."""
        key = self.cleaned_data["api_key"]
        if key:
            self.instance.set_key(key)
        elif self.cleaned_data["forget_key"]:
            self.instance.api_key_token = ""
        if "api_key" in self.changed_data or "forget_key" in self.changed_data:
            self.instance.save(update_fields=["api_key_token"])


class ModelForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Model
        fields = (
            *("name", "provider", "provider_model_id", "context_window", "max_output_tokens"),
            *("supports_tools", "supports_json", "prompt_price", "completion_price"),
            *("request_options", "request_rules"),
        )
        field_classes = {"request_options": JSONTextField, "request_rules": JSONTextField}
        widgets = {
            name: forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})
            for name in ("request_options", "request_rules")
        }

    def clean_request_rules(self) -> Any:
        """Return {} for an empty field."""
        return self.cleaned_data["request_rules"] or {}
