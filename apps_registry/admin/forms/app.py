"""Forms of the App page: the App with its built-in tools, its alternative models, and its secrets."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.admin.forms.labelled_rows import LabelledRows
from apps_registry.admin.forms.text_fields import LinesField
from apps_registry.builtin_tools.registry import BUILTIN_TOOLS
from apps_registry.credentials.encryption import NoKeys
from apps_registry.credentials.header_fit import validate_header_value
from apps_registry.credentials.secret_hosts import parse_hosts
from apps_registry.http_tools.scrub import MIN_CHARS
from apps_registry.models import App, Model, Secret, Tool
from apps_registry.models.tool import validate_secret_hosts
from apps_registry.services.provider_fit import find_unfit_tools
from apps_registry.support.http.request_sources import parse_networks, parse_origins


class ModelField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A choice of models that marks those that cannot call tools."""

    def label_from_instance(self, obj: Model) -> str:
        return obj.name if obj.supports_tools else f"{obj.name} (does not call tools)"


class AppForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """An App, with a check box for each built-in tool."""

    builtin_tools = forms.MultipleChoiceField(
        label="Built-in tools",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Tools that the model may call. Tools that are not checked are not available to this App.",
    )

    class Meta:
        model = App
        # Without `is_default`, which make_default changes, and `alternatives`, which the inline edits.
        fields = (
            "slug",
            "name",
            "description",
            "preamble",
            "default_model",
            "temperature",
            "top_p",
            "max_reply_tokens",
            "reply_language",
            "reply_wait_seconds",
            "max_tool_rounds",
            "history_budget_tokens",
            "summarises_history",
            "documents_limit_mb",
            "document_language",
            "embedding_model",
            "makes_titles",
            "keeps_reasoning",
            "keeps_requests_days",
            "shows_usage",
            "recalls_earlier_sessions",
            "retention_days",
            "is_active",
            "sessions_readable_by_id",
            "callers_may_instruct",
            "callers_may_sample",
            "callers_may_bring_tools",
            "keeps_stateless_text",
            "continues_chats_of_openwebui",
            "allowed_origins",
            "refuses_other_origins",
            "allowed_networks",
            "trusts_backend_wallets",
            "claimed_wallets_may_sign",
            "allowed_hosts",
            "only_hosts",
        )
        field_classes = {"default_model": ModelField, "preamble": LinesField}
        widgets = {
            name: forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})
            for name in ("description", "allowed_origins", "allowed_networks", "allowed_hosts", "only_hosts")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "builtin_tools" not in (self._meta.fields or ()):  # this tab does not show the field
            self.fields.pop("builtin_tools", None)
            return
        field = self.fields["builtin_tools"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(name, _tool_label(name)) for name in sorted(BUILTIN_TOOLS)]
        if self.instance.pk:
            field.initial = list(_builtins(self.instance).filter(is_enabled=True).values_list("name", flat=True))

    def clean_is_active(self) -> bool:
        """Refuse to turn off the default App; the database has the same constraint."""
        active = bool(self.cleaned_data["is_active"])
        if self.instance.is_default and not active:
            raise ValidationError(
                "This is the default App, which callers use without a key, so it cannot be turned off. "
                "Make another App the default first."
            )
        return active

    def clean_default_model(self) -> Model:
        """Refuse a model whose provider does not accept the tools of the App."""
        model: Model = self.cleaned_data["default_model"]
        is_other = self.instance.pk and model.pk != self.instance.default_model_id
        if is_other and (sentences := list(find_unfit_tools(self.instance, model))):
            raise ValidationError(sentences)
        return model

    def clean_only_hosts(self) -> str:
        """Return the hosts in canonical form."""
        text = str(self.cleaned_data["only_hosts"])
        validate_secret_hosts(text)
        return "\n".join(parse_hosts(text))

    def clean_allowed_origins(self) -> str:
        """Return the origins as browsers write them, since they are compared as text."""
        return _canonical(parse_origins, str(self.cleaned_data["allowed_origins"]))

    def clean_allowed_networks(self) -> str:
        """Return the networks in canonical form."""
        return _canonical(parse_networks, str(self.cleaned_data["allowed_networks"]))

    def clean(self) -> dict[str, Any]:
        """Refuse settings with which every call would be refused."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("refuses_other_origins") and data.get("allowed_origins") == "":
            self.add_error("refuses_other_origins", "Name the allowed origins first; otherwise every call is refused.")
        return data

    def clean_builtin_tools(self) -> list[str]:
        """Refuse built-in tools whose name another tool of the App already has."""
        chosen: list[str] = self.cleaned_data["builtin_tools"]
        others = self.instance.tools.exclude(kind=Tool.Kind.BUILTIN) if self.instance.pk else Tool.objects.none()
        taken = {name.lower() for name in others.values_list("name", flat=True)}
        for name in chosen:
            if name.lower() in taken:
                raise ValidationError(f"This App already has a tool named {name}: rename that tool first.")
        return chosen

    def save_tools(self) -> None:
        """Enable the checked tools and disable the others; call this after the App has been saved."""
        chosen = set(self.cleaned_data["builtin_tools"])
        rows = {tool.name: tool for tool in _builtins(self.instance)}
        for name in chosen - rows.keys():
            Tool.objects.create(app=self.instance, kind=Tool.Kind.BUILTIN, name=name)
        for name, tool in rows.items():
            if tool.is_enabled != (name in chosen):
                tool.is_enabled = name in chosen
                tool.save(update_fields=["is_enabled"])


class MaskedInput(forms.PasswordInput):
    """An input whose value is never sent back, and that browsers do not treat as an account password."""

    input_type = "text"


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]
    """A secret; its value can be set but is never shown."""

    value = forms.CharField(
        min_length=MIN_CHARS,
        strip=False,  # store the exact value, or report an error
        validators=[validate_header_value],
        widget=MaskedInput(attrs={"autocomplete": "off", "class": "vTextField aomi-masked", "spellcheck": "false"}),
    )

    class Meta:
        model = Secret
        fields = ("name", "hosts")
        widgets = {"hosts": forms.Textarea(attrs={"rows": 2, "cols": 30, "spellcheck": "false"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # The value is bound to the name.
            self.fields["name"].disabled = True
            self.fields["value"].required = False
            self.fields["value"].widget.attrs["placeholder"] = "set; write a new value to replace it"

    def clean_value(self) -> str:
        """Refuse a value that could not be stored encrypted."""
        if self.cleaned_data["value"] and not settings.SECRETS_KEYS:
            raise ValidationError(str(NoKeys()))
        return str(self.cleaned_data["value"])

    def clean_hosts(self) -> str:
        """Return the hosts in canonical form."""
        text = str(self.cleaned_data["hosts"])
        validate_secret_hosts(text)
        return "\n".join(parse_hosts(text))

    def clean(self) -> dict[str, Any]:
        """Require hosts for a new value, and the value again for new hosts."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        hosts = data.get("hosts")
        if hosts is None or data.get("DELETE"):
            return data
        if data.get("value") and not hosts:
            self.add_error("hosts", "Name the hosts that it may be sent to.")
        known = set(str(self.initial.get("hosts") or "").split())
        if self.instance.pk and not data.get("value") and set(hosts.split()) - known:
            self.add_error("value", "The hosts have changed: enter the value again for the new ones.")
        return data

    def save(self, commit: bool = True) -> Secret:
        """Encrypt the value; at this point the App has its id."""
        if value := self.cleaned_data["value"]:
            self.instance.set_value(value)
        secret: Secret = super().save(commit)
        return secret


class AlternativesFormSet(LabelledRows):
    """The alternative models of an App, without its default model."""

    @cached_property
    def model_choices(self) -> list[Any]:
        """The models, read once for all rows."""
        return list(self.form.base_fields["model"].choices)  # type: ignore[attr-defined]  # a choice field

    def add_fields(self, form: Any, index: int | None) -> None:
        """Offer the same models in every row."""
        super().add_fields(form, index)
        if "model" in form.fields:
            form.fields["model"].choices = self.model_choices

    def clean(self) -> None:
        """Refuse the default model as its own alternative."""
        super().clean()
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            model = data.get("model")
            if model and not data.get("DELETE") and model.pk == self.instance.default_model_id:
                form.add_error("model", f"{model} is already the default model of this App.")
            elif model and not data.get("DELETE") and self.instance.pk and form.has_changed():
                for sentence in find_unfit_tools(self.instance, model):
                    form.add_error("model", sentence)


def _canonical(parse: Callable[[str], list[str]], text: str) -> str:
    try:
        return "\n".join(parse(text))
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _builtins(app: App) -> Any:
    return app.tools.filter(kind=Tool.Kind.BUILTIN)


def _tool_label(name: str) -> SafeString:
    return format_html("<code>{}</code> <span>{}</span>", name, BUILTIN_TOOLS[name].description)
