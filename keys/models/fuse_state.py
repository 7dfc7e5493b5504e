"""The fuse of callers without a key, as an object with its own permissions."""

from keys.models.limits import LimitSet


class FuseState(LimitSet):
    """The limits of all callers without a key together, for the permissions to see and to pull the fuse."""

    class Meta:
        proxy = True
        verbose_name = "fuse"
        verbose_name_plural = "fuse of callers without a key"

    def __str__(self) -> str:
        return "the fuse"
