"""Text and data that servers should not send: any code point, often NUL and lone surrogates."""

from hypothesis import strategies as st

wild_text = st.text(
    st.one_of(
        st.characters(exclude_categories=()), st.sampled_from("\x00\ud800\udc00\ud83d\ude00\ufffd\\\"'u{}[]<>/0d8 \n")
    ),
    max_size=30,
)
wild_numbers = st.one_of(
    st.integers(), st.integers(-(2**80), 2**80), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
wild_json = st.recursive(
    st.one_of(wild_text, wild_numbers, st.none()),
    lambda children: st.one_of(st.lists(children, max_size=4), st.dictionaries(wild_text, children, max_size=4)),
    max_leaves=12,
)
