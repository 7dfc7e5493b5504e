"""Forms of the document pages: upload of several files, and a test search."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from apps_registry.extraction.names import ARCHIVE, KINDS
from apps_registry.models import App
from apps_registry.models.document import validate_tag
from apps_registry.retrieval.search import MAX_QUERY_CHARS
from apps_registry.retrieval.uploads import split_tags
from apps_registry.support.text.charset_detection import NAMES

MAX_FILES = 100
ENCODINGS = sorted(
    ((codec, name) for codec, name in NAMES.items() if name != "UTF-16"), key=lambda choice: choice[1].lower()
)


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    def clean(self, data: Any, initial: Any = None) -> list["UploadedFile[Any]"]:
        files = data if isinstance(data, list) else [data]
        if not files:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(files) > MAX_FILES:
            raise ValidationError(f"Choose up to {MAX_FILES} files at once, or put them into a zip.")
        # Empty files are reported with the results of the other files.
        return [super(_FilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """An upload of files for one App."""

    # Nothing is preselected: what the default App searches can be read without a key.
    app = forms.ModelChoiceField(App.objects.order_by("slug"), label="App", empty_label="Choose an App")
    uploads = _FilesField(
        label="Files",
        allow_empty_file=True,
        widget=_FilesInput(attrs={"accept": ",".join([*KINDS, ARCHIVE])}),
        help_text="Text, Markdown, HTML, PDF, Office, OpenDocument, RTF, EPUB, messages (.eml), CSV, JSON, or zip "
        "archives of these, up to 20 MB each. A file with the name of an existing document replaces it.",
    )
    tags = forms.CharField(
        required=False,
        help_text="Optional, separated by commas. A search can be limited to a tag.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    encoding = forms.ChoiceField(
        required=False,
        choices=[("", "Detected"), *ENCODINGS],
        help_text="Of texts that are not Unicode. Choose it if the encoding of a file was not detected, or wrongly.",
    )

    def clean_tags(self) -> list[str]:
        tags = split_tags(self.cleaned_data["tags"])
        for tag in tags:
            validate_tag(tag)
        return tags


class SearchForm(forms.Form):
    """A search with the parameters of the model's search tool."""

    app = forms.ModelChoiceField(App.objects.order_by("slug"), label="App", empty_label=None)
    q = forms.CharField(
        label="Query",
        required=False,
        max_length=MAX_QUERY_CHARS,
        widget=forms.TextInput(attrs={"class": "vTextField", "type": "search"}),
    )
    tag = forms.CharField(label="Tag", required=False, max_length=50)
