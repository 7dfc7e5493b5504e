"""The fuse of callers without a key, as an object with permissions of its own."""

from keys.models.limits import LimitState


class FuseState(LimitState):
    """The row of LimitState for all callers without a key together: see keys/limits/fuse.py."""

    class Meta:
        proxy = True
        verbose_name = "fuse"
        verbose_name_plural = "fuse of callers without a key"

    def __str__(self) -> str:
        return "the fuse"
