"""The form of a tool that an App declares for its clients to run."""

import json
from contextlib import suppress
from typing import Any

from django import forms

from apps_registry.admin.forms.text_fields import JSON_MAX_DEPTH, LinesField
from apps_registry.admin.forms.tool_fields import code_area
from apps_registry.models import Tool
from apps_registry.services.client_tools import find_client_tool_problem
from apps_registry.services.provider_fit import find_unfit, models_of_app
from apps_registry.support.text.plain_json import json_problem, read_json_exactly

TAKEN = "This App already has a tool with this name, built-in or not."
NO_ARGUMENTS = '{"type": "object", "properties": {}}'


class ClientToolForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A tool that the caller's program runs."""

    description = LinesField(
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="Tells the model what the tool does and when to use it.",
    )
    parameters = forms.CharField(
        initial=NO_ARGUMENTS,
        widget=code_area(4),
        help_text="JSON Schema of the arguments, an object. Arguments are checked before the client gets them.",
    )

    class Meta:
        model = Tool
        fields = ("name", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = Tool.Kind.CLIENT
        if self.instance.pk:
            with suppress(TypeError, ValueError, KeyError):  # an unreadable definition is defined again
                description, parameters = self.instance.client_definition()
                self.initial["description"] = description
                self.initial["parameters"] = json.dumps(parameters, indent=2)

    def clean_parameters(self) -> dict[str, Any]:
        """Return the schema."""
        text = str(self.cleaned_data["parameters"])
        try:
            parameters: dict[str, Any] = read_json_exactly(text, max_depth=JSON_MAX_DEPTH)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This JSON cannot be used: {json_problem(error)}.") from None
        return parameters

    def clean(self) -> dict[str, Any]:
        """Refuse what could not be offered to the App's models."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        name, description, parameters = (data.get(key) for key in ("name", "description", "parameters"))
        if name is None or description is None or parameters is None or data.get("DELETE"):
            return data
        if problem := find_client_tool_problem(name, description, parameters):
            self.add_error("parameters" if "parameters" in problem else None, f"{problem[:1].upper()}{problem[1:]}.")
            return data
        if self.instance.app_id:
            others = Tool.objects.filter(app=self.instance.app_id, name__iexact=name).exclude(pk=self.instance.pk)
            if others.exists():
                self.add_error("name", TAKEN)
            for sentence in find_unfit(models_of_app(self.instance.app), name, parameters):
                self.add_error("parameters", sentence)
        return data

    def save(self, commit: bool = True) -> Tool:
        """Store the definition."""
        data = self.cleaned_data
        self.instance.set_client_definition(data["name"], data["description"], data["parameters"])
        tool: Tool = super().save(commit)
        return tool


class ClientToolsFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The tools that an App declares for its clients."""

    def clean(self) -> None:
        """Refuse one name for two tools, which the database would refuse, too."""
        super().clean()
        names: set[str] = set()
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            name = str(data.get("name") or "").lower()
            if name in names and not data.get("DELETE"):
                form.add_error("name", TAKEN)
            if name:
                names.add(name)
