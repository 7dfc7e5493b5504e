"""Forms of the App page: an App with its built-in tools, and its alternative models."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.models import App, Tool
from apps_registry.tools.registry import BUILTIN_TOOLS


class AppForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """An App, with a box for each built-in tool."""

    builtin_tools = forms.MultipleChoiceField(
        label="Tools",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What the model may call to answer. Tools that are not ticked do not exist for this App.",
    )

    class Meta:
        model = App
        # Not `is_default`, which make_default switches, nor `alternatives`, which the inline edits.
        fields = (
            "slug",
            "name",
            "preamble",
            "default_model",
            "temperature",
            "top_p",
            "max_reply_tokens",
            "reply_wait_seconds",
            "max_tool_rounds",
            "history_budget_tokens",
            "document_language",
            "embedding_model",
            "makes_titles",
            "recalls_earlier_sessions",
            "retention_days",
            "is_active",
            "sessions_readable_by_id",
            "allowed_origins",
        )
        widgets = {"allowed_origins": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["builtin_tools"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(name, _tool_label(name)) for name in sorted(BUILTIN_TOOLS)]
        if self.instance.pk:
            field.initial = list(_builtins(self.instance).filter(is_enabled=True).values_list("name", flat=True))

    def clean_is_active(self) -> bool:
        """The default App stays on; the database insists on it too."""
        active = bool(self.cleaned_data["is_active"])
        if self.instance.is_default and not active:
            raise ValidationError(
                "This is the default App, which callers use without a key, so it cannot be turned off. "
                "Make another App the default first."
            )
        return active

    def save_tools(self) -> None:
        """Turn the ticked tools on and the others off; call it when the App has been saved."""
        chosen = set(self.cleaned_data["builtin_tools"])
        rows = {tool.name: tool for tool in _builtins(self.instance)}
        for name in chosen - rows.keys():
            Tool.objects.create(app=self.instance, kind=Tool.Kind.BUILTIN, name=name)
        for name, tool in rows.items():
            if tool.is_enabled != (name in chosen):
                tool.is_enabled = name in chosen
                tool.save(update_fields=["is_enabled"])


class AlternativesFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The alternative models of an App, which do not repeat its default model."""

    def clean(self) -> None:
        """Refuse the default model as its own alternative."""
        super().clean()
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            model = data.get("model")
            if model and not data.get("DELETE") and model.pk == self.instance.default_model_id:
                form.add_error("model", f"{model} is already the default model of this App.")


def _builtins(app: App) -> Any:
    return app.tools.filter(kind=Tool.Kind.BUILTIN)


def _tool_label(name: str) -> SafeString:
    return format_html("<code>{}</code> <span>{}</span>", name, BUILTIN_TOOLS[name].description)
