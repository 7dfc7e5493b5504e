"""Which results of tools the console shows as errors."""

import pytest

from apps_registry.tools.base import is_tool_error


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ('{"error":"the service answered 404 Not Found"}', True),
        ('{"error":{"code":7}}', True),
        ('{"error":"the service answered 500: a long te', True),  # its end was cut off
        ('{"error":null}', False),
        ('{"error":null,"data":[1]}', False),
        ('{"error":"0.1","value":"7"}', False),  # a measurement
        ("{}", False),
        ("42", False),
        ("", False),
    ],
)
def test_an_error_is_an_object_with_only_an_error(result: str, expected: bool) -> None:
    assert is_tool_error(result) is expected
