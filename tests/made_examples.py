"""How many examples Hypothesis makes for a test: the profiles of tests/conftest.py decide."""

from hypothesis import settings

USUAL = 100


def set_profile(*, is_daily: bool) -> None:
    """Choose the profile: the whole suite makes all examples, the daily one a fifth of them."""
    # Without a deadline: the default, 200 ms per example, suits an idle machine only.
    settings.register_profile("daily", deadline=None, max_examples=USUAL // 5)
    settings.register_profile("thorough", deadline=None, max_examples=USUAL)
    settings.load_profile("daily" if is_daily else "thorough")


def examples(number: int) -> int:
    """Return how many examples this run makes, for a test that makes another number than usual in the whole suite."""
    return number * settings().max_examples // USUAL
