"""Error messages of libraries never reach a model or an operator."""

import pytest

from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.strict import load
from apps_registry.tools.arguments import read_arguments
from apps_registry.tools.base import ToolError

DIGITS = "9" * 5000


def test_arguments_of_too_many_digits_are_refused_in_words_of_ours() -> None:
    with pytest.raises(ToolError) as raised:
        read_arguments(f'{{"amount": {DIGITS}}}')
    assert str(raised.value).startswith(
        "the arguments are not valid JSON: there is an unexpected or a missing character at line 1, column"
    )


def test_invalid_json_arguments_are_refused_with_their_position() -> None:
    with pytest.raises(
        ToolError, match="not valid JSON: there is an unexpected or a missing character at line 2, column"
    ):
        read_arguments('{"a": 1,\n nonsense}')


def test_a_file_of_too_many_digits_is_refused_in_words_of_ours() -> None:
    with pytest.raises(AppFileError) as raised:
        load(f"app_file: {DIGITS}".encode())
    assert str(raised.value) == "app_file: this contains characters or a number that cannot be stored."
