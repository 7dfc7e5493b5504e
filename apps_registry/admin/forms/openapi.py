"""The form for the OpenAPI document of an import."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from apps_registry.openapi.document import MAX_BYTES


class OpenApiDocumentForm(forms.Form):
    """An OpenAPI document from a file or an address."""

    file = forms.FileField(label="File", required=False, help_text="OpenAPI 3.0 or 3.1, JSON or YAML.")
    url = forms.CharField(
        label="or address",
        required=False,
        max_length=2000,
        validators=[RegexValidator(r"^https?://\S+\Z", "Use an address such as https://api.example.com/openapi.json.")],
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text="Fetched now, with the same rules as the calls of this App's tools.",
    )
    name_prefix = forms.CharField(
        label="Prefix of the tools' names",
        required=False,
        max_length=40,
        validators=[RegexValidator(r"^[a-zA-Z0-9_-]*\Z", "Use letters, digits, hyphens and underscores.")],
        help_text="Such as github_. It keeps the tools of several documents apart.",
    )
    server = forms.CharField(
        label="Server",
        required=False,
        max_length=500,
        validators=[RegexValidator(r"^https?://\S+\Z", "Use an address such as https://api.example.com/v1.")],
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text="The address to call instead of the one in the document.",
    )

    def clean(self) -> dict[str, Any]:
        """Require exactly one document of an accepted size."""
        data = super().clean() or {}
        if not self.errors and bool(data.get("file")) == bool(data.get("url")):
            raise ValidationError("Choose a file or enter an address, but not both.")
        if data.get("file") and data["file"].size > MAX_BYTES:
            raise ValidationError(f"The document has more than {MAX_BYTES // 2**20} MB.")
        return data
