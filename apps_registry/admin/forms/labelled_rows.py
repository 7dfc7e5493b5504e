"""Names the inputs of a table's rows for screen readers, which do not connect them with the headings of columns."""

from typing import Any

from django.forms.models import BaseInlineFormSet


class LabelledRows(BaseInlineFormSet):  # type: ignore[type-arg]
    """A formset whose inputs are named by their column and row, such as "Position, alternative model 1"."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Add Django's fields to a row, and name all fields."""
        super().add_fields(form, index)
        model: Any = self.model
        thing = model._meta.verbose_name
        row = f"{thing} {index + 1}" if index is not None else f"new {thing}"
        for name, field in form.fields.items():
            # The widget of a related row wraps another one.
            widget: Any = getattr(field.widget, "widget", field.widget)
            if not widget.is_hidden:
                widget.attrs.setdefault("aria-label", f"{field.label or name}, {row}")
