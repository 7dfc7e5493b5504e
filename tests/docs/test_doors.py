"""The table of what each client can do is generated from the tests of these clients."""

from tests.docs.markdown import section
from tests.matrix import table


def test_the_matrix_is_that_of_the_tests() -> None:
    written = section("docs/api.md", "Which client does what")
    assert table() in written, "renew it with: python -m tests.matrix"
