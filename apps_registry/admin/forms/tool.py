"""Forms of an HTTP tool: its definition, and a trial of it."""

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
from apps_registry.support.plain_json import json_problem, read_json_exactly
from apps_registry.tools.arguments import read_arguments
from apps_registry.tools.base import ToolError

# Attributes of a definition whose field takes the value as it is.
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
    """An HTTP tool."""

    description = LinesField(
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="Tells the model what the tool does and when to use it.",
    )
    arguments = ArgumentsField(
        required=False,
        help_text="What the model fills in; each is at hand below as {{ args.NAME }}. Choices are for texts, with "
        "commas between them.",
    )
    parameters = forms.CharField(
        label="As JSON Schema",
        required=False,
        widget=code_area(6),
        help_text="For what the rows cannot say. What stands here counts instead of the rows; dialect 2020-12, no $ref "
        "to other documents.",
    )
    method = forms.ChoiceField(choices=[(method, method) for method in METHODS])
    url = forms.CharField(
        label="URL",
        max_length=2000,
        widget=code_line(),
        help_text="Such as https://api.example.com/v1/prices/{{ args.symbol }}; placeholders stand in the path only.",
    )
    query = PairsField(
        help_text="One entry a line, such as currency: {{ args.currency }}. Left out when the argument is not sent."
    )
    headers = PairsField(help_text="One header a line, such as Authorization: Bearer {{ secrets.API_KEY }}.")
    body_type = forms.ChoiceField(choices=BODY_TYPES, required=False, label="Body")
    body = forms.CharField(
        label="Body template",
        required=False,
        strip=False,
        widget=code_area(5),
        help_text='JSON, in which a string that is one placeholder keeps its type: {"amount": "{{ args.amount }}"}. Of '
        "a form: one field a line, as above.",
    )
    result_path = forms.CharField(
        required=False,
        max_length=500,
        widget=code_line(),
        help_text="Which part of a JSON answer the model gets: data.items[0].price, data[*].id. Empty: all of it.",
    )
    result_headers = HeaderNamesField(
        help_text="Headers of the answer that the model gets as well, such as Location, Link. The result is then an "
        "object with headers and body."
    )
    max_result_chars = forms.IntegerField(initial=8000, label="Characters at most", help_text="The rest is cut off.")
    timeout_seconds = forms.FloatField(initial=10, label="Time limit (s)", help_text="Retries and redirects included.")
    retries = forms.IntegerField(initial=1, help_text="GET, HEAD, PUT and DELETE only, after failures that may pass.")
    cache_seconds = forms.IntegerField(
        initial=0, label="Cache (s)", help_text="How long an answer serves the same arguments and wallet again. 0: not."
    )
    needs_wallet = forms.ChoiceField(choices=WALLET_NEEDS, required=False, label="Needs a wallet")

    class Meta:
        model = Tool
        fields = ("app", "name", "is_enabled", "needs_confirmation")
        help_texts = {"name": "What the model calls it, such as get_price: letters, digits, _ and -."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            with suppress(TypeError, ValueError):  # what cannot be read is defined anew
                self._show(self.instance.http_definition())

    def clean(self) -> dict[str, Any]:
        """Make the definition, and say what is wrong with it where it stands."""
        super().clean()
        if self.errors:
            return self.cleaned_data
        data = self.cleaned_data
        try:
            given = {name: data[name] for name in (*PLAIN, "result_headers", "query", "headers")}
            definition = HttpToolDefinition(
                name=data["name"], parameters=self._parameters(), body=self._body(), **given
            )
        except ValidationError as error:
            self.add_error(None, error)
            return data
        for problem in find_problems(definition):
            in_rows = problem.attribute == "parameters" and not data["parameters"].strip()
            self.add_error("arguments" if in_rows else problem.attribute, problem.message)
        app = data.get("app") or (self.instance.app if self.instance.pk else None)
        if app and not self.errors:
            for words in misdirected_secrets(app, secrets_used(definition), definition.host):
                self.add_error("url", words)
        if not self.errors:
            self._refuse_unfit(definition)
        if not self.errors:
            self.instance.set_http_definition(definition)
        return data

    def _refuse_unfit(self, definition: HttpToolDefinition) -> None:
        """Refuse what the providers of the App's models do not take."""
        app = self.cleaned_data.get("app") or self.instance.app
        for sentence in find_unfit(models_of_app(app), definition.name, definition.parameters):
            self.add_error("arguments" if not self.cleaned_data["parameters"].strip() else "parameters", sentence)

    def _get_validation_exclusions(self) -> set[str]:
        """The App is not in the form once the tool exists, and still a part of what makes the name unique."""
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
            raise ValidationError(
                {"parameters": f"This is not JSON that can be used: {json_problem(error)}."}
            ) from None
        try:
            return schema_of(self.cleaned_data["arguments"])
        except ValueError as error:  # in words of ours
            raise ValidationError({"arguments": str(error)}) from None

    def _body(self) -> Any:
        text, kind = self.cleaned_data["body"], self.cleaned_data["body_type"]
        try:
            if kind == "json":
                return read_json_exactly(text, max_depth=JSON_MAX_DEPTH)
            if kind == "form":
                return read_pairs(text)
        except ValueError as error:
            raise ValidationError({"body": f"This is not JSON that can be used: {json_problem(error)}."}) from None
        except ValidationError as error:
            raise ValidationError({"body": error.messages}) from None
        if kind == "text":
            return text.replace("\r\n", "\n")
        return text.strip() or None


def needs_schema(tool: Tool) -> bool:
    """Tell whether a tool's arguments are more than the rows of the form can say."""
    try:
        return rows_of(tool.http_definition().parameters) is None
    except (TypeError, ValueError):
        return False


class TrialForm(forms.Form):
    """What a tool is tried with."""

    arguments = forms.CharField(
        widget=code_area(4),
        help_text="JSON, as the model would send it.",
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
        """Hold the arguments against the tool's schema, as in a turn."""
        try:
            arguments = read_arguments(self.cleaned_data["arguments"])
            return schema.check(schema.compile_schema(self._definition.parameters), arguments)
        except ToolError as error:
            raise ValidationError(str(error)) from None
