"""Plans and caches are compared by one digest of plain data."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps_registry.support.fingerprint import fingerprint

LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5)
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=8)


@given(DATA)
def test_the_order_of_members_means_nothing(data: Any) -> None:
    assert fingerprint(_turned(data)) == fingerprint(data)


@given(DATA, DATA)
def test_other_data_has_another_digest(one: Any, other: Any) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (
        repr(_turned(one, sort=True)) == repr(_turned(other, sort=True))
    )


def _turned(data: Any, *, sort: bool = False) -> Any:
    """Return the data with the members of its objects in reverse or sorted order."""
    if isinstance(data, list):
        return [_turned(item, sort=sort) for item in data]
    if isinstance(data, dict):
        names = sorted(data) if sort else reversed(data)
        return {name: _turned(data[name], sort=sort) for name in names}
    return data
