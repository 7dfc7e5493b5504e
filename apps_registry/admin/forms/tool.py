"""Forms of an HTTP tool: its definition, and a test call."""

import json
from contextlib import suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps_registry.admin.forms.argument_rows import rows_of, schema_of
from apps_registry.admin.forms.text_fields import JSON_MAX_DEPTH, LinesField
from apps_registry.admin.forms.tool_fields import (
    ArgumentsField,
    HeaderNamesField,
    PairsField,
    code_area,
    code_line,
    read_pairs,
    write_pairs,
)
from apps_registry.http_tools import schema
from apps_registry.http_tools.checks import METHODS, find_problems, secrets_used
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.models import Tool
from apps_registry.services.provider_fit import find_unfit, models_of_app
from apps_registry.services.secrets import misdirected_secrets
from apps_registry.support.text.plain_json import json_problem, read_json_exactly
from apps_registry.tools.arguments import read_arguments
from apps_registry.tools.base import ToolError

# Attributes of a definition whose form field uses the same value.
PLAIN = (
    "description",
    "method",
    "url",
    "result_path",
    "max_result_chars",
    "timeout_seconds",
    "retries",
    "cache_seconds",
    "needs_wallet",
    "body_type",
)
BODY_TYPES = (("", "None"), ("json", "JSON"), ("form", "Form fields"), ("text", "Text"))
WALLET_NEEDS = (("", "No"), ("any", "Yes"), ("proven", "Yes, and proven to be the caller's"))


class HttpToolForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """An HTTP tool, whose arguments are rows of a table or JSON Schema."""

    description = LinesField(
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="Tells the model what the tool does and when to use it.",
    )
    arguments = ArgumentsField(
        required=False,
        help_text="The values that the model fills in, available below as {{ args.NAME }}. Choices are for text only, "
        "separated by commas.",
    )
    parameters = forms.CharField(
        label="As JSON Schema",
        required=False,
        widget=code_area(6),
        help_text="For arguments that need more than the table. A schema here replaces the table. Dialect 2020-12, "
        "without $ref to other documents.",
    )
    method = forms.ChoiceField(choices=[(method, method) for method in METHODS])
    url = forms.CharField(
        label="URL",
        max_length=2000,
        widget=code_line(),
        help_text="Such as https://api.example.com/v1/prices/{{ args.symbol }}; placeholders are allowed only in the "
        "path.",
    )
    query = PairsField(
        help_text="One entry per line, such as currency: {{ args.currency }}. An entry is left out if the model does "
        "not send its argument."
    )
    headers = PairsField(help_text="One header per line, such as Authorization: Bearer {{ secrets.API_KEY }}.")
    body_type = forms.ChoiceField(choices=BODY_TYPES, required=False, label="Body")
    body = forms.CharField(
        label="Body template",
        required=False,
        strip=False,
        widget=code_area(5),
        help_text='For JSON, a string that is only a placeholder keeps the type of its value: {"amount": '
        '"{{ args.amount }}"}. For a form, one field per line, as above.',
    )
    result_path = forms.CharField(
        required=False,
        max_length=500,
        widget=code_line(),
        help_text="The part of a JSON response that the model gets: data.items[0].price, data[*].id. Empty: all of it.",
    )
    result_headers = HeaderNamesField(
        help_text="Response headers that the model also gets, such as Location, Link. The result is then an object "
        "with headers and body."
    )
    max_result_chars = forms.IntegerField(
        initial=8000, label="Maximum characters", help_text="A longer result is cut off."
    )
    timeout_seconds = forms.FloatField(initial=10, label="Time limit (s)", help_text="Including retries and redirects.")
    retries = forms.IntegerField(initial=1, help_text="For GET, HEAD, PUT and DELETE only, after transient failures.")
    cache_seconds = forms.IntegerField(
        initial=0,
        label="Cache (s)",
        help_text="How long a response is reused for the same arguments and wallet. 0: no cache.",
    )
    needs_wallet = forms.ChoiceField(choices=WALLET_NEEDS, required=False, label="Needs a wallet")

    class Meta:
        model = Tool
        fields = ("app", "name", "is_enabled", "needs_confirmation")
        help_texts = {"name": "The name that the model uses, such as get_price. Letters, digits, _ and -."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            with suppress(TypeError, ValueError):  # an unreadable definition must be entered again
                self._show(self.instance.http_definition())

    def clean(self) -> dict[str, Any]:
        """Build the definition, and report its problems at the right field."""
        super().clean()
        if self.errors:
            return self.cleaned_data
        data = self.cleaned_data
        try:
            values = {name: data[name] for name in (*PLAIN, "result_headers", "query", "headers")}
            definition = HttpToolDefinition(
                name=data["name"], parameters=self._parameters(), body=self._body(), **values
            )
        except ValidationError as error:
            self.add_error(None, error)
            return data
        for problem in find_problems(definition):
            in_rows = problem.attribute == "parameters" and not data["parameters"].strip()
            self.add_error("arguments" if in_rows else problem.attribute, problem.message)
        app = data.get("app") or (self.instance.app if self.instance.pk else None)
        if app and not self.errors:
            for problem_text in misdirected_secrets(app, secrets_used(definition), definition.host):
                self.add_error("url", problem_text)
        if not self.errors:
            self._refuse_unfit(definition)
        if not self.errors:
            self.instance.set_http_definition(definition)
        return data

    def _refuse_unfit(self, definition: HttpToolDefinition) -> None:
        """Refuse arguments that a provider of the App's models does not accept."""
        app = self.cleaned_data.get("app") or self.instance.app
        for sentence in find_unfit(models_of_app(app), definition.name, definition.parameters):
            self.add_error("arguments" if not self.cleaned_data["parameters"].strip() else "parameters", sentence)

    def _get_validation_exclusions(self) -> set[str]:
        """Include the App in the uniqueness check, although the form of an existing tool does not contain it."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return exclusions - {"app"}

    def _show(self, definition: HttpToolDefinition) -> None:
        self.initial.update({name: getattr(definition, name) for name in PLAIN})
        self.initial["result_headers"] = ", ".join(definition.result_headers)
        rows = rows_of(definition.parameters)
        self.initial["arguments"] = rows
        self.initial["parameters"] = "" if rows is not None else json.dumps(definition.parameters, indent=2)
        self.initial.update({name: write_pairs(getattr(definition, name)) for name in ("query", "headers")})
        match definition.body_type:
            case "json":
                self.initial["body"] = json.dumps(definition.body, indent=2, ensure_ascii=False)
            case "form":
                self.initial["body"] = write_pairs(definition.body)
            case "text":
                self.initial["body"] = definition.body

    def _parameters(self) -> Any:
        text = self.cleaned_data["parameters"]
        try:
            if text.strip():
                return read_json_exactly(text, max_depth=JSON_MAX_DEPTH)
        except ValueError as error:
            raise ValidationError({"parameters": f"This JSON cannot be used: {json_problem(error)}."}) from None
        try:
            return schema_of(self.cleaned_data["arguments"])
        except ValueError as error:  # the message is for operators
            raise ValidationError({"arguments": str(error)}) from None

    def _body(self) -> Any:
        text, kind = self.cleaned_data["body"], self.cleaned_data["body_type"]
        try:
            if kind == "json":
                return read_json_exactly(text, max_depth=JSON_MAX_DEPTH)
            if kind == "form":
                return read_pairs(text)
        except ValueError as error:
            raise ValidationError({"body": f"This JSON cannot be used: {json_problem(error)}."}) from None
        except ValidationError as error:
            raise ValidationError({"body": error.messages}) from None
        if kind == "text":
            return text.replace("\r\n", "\n")
        return text.strip() or None


def needs_schema(tool: Tool) -> bool:
    """Tell whether a tool's arguments need JSON Schema, because the table cannot express them."""
    try:
        return rows_of(tool.http_definition().parameters) is None
    except (TypeError, ValueError):
        return False


class TrialForm(forms.Form):
    """The arguments and the wallet of a test call."""

    arguments = forms.CharField(
        widget=code_area(4),
        help_text="JSON in the form that the model would send.",
    )
    wallet_address = forms.RegexField(
        r"^0x[0-9a-fA-F]{40}\Z",
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField aomi-code"}),
        error_messages={"invalid": "Write 0x and 40 hexadecimal digits."},
        help_text="Empty: no wallet.",
    )
    wallet_chain_id = forms.IntegerField(required=False, min_value=1, max_value=2**53 - 1, label="Chain id")
    wallet_is_proven = forms.BooleanField(required=False, label="Proven to be the caller's")

    def __init__(self, definition: HttpToolDefinition, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._definition = definition
        if not definition.needs_wallet and "wallet." not in repr(definition):
            for name in ("wallet_address", "wallet_chain_id", "wallet_is_proven"):
                del self.fields[name]

    def clean_arguments(self) -> dict[str, Any]:
        """Validate the arguments against the tool's schema, as in a turn."""
        try:
            arguments = read_arguments(self.cleaned_data["arguments"])
            return schema.check(schema.compile_schema(self._definition.parameters), arguments)
        except ToolError as error:
            raise ValidationError(str(error)) from None
