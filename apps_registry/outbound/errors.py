"""Why a call did not come back with an answer; the messages may be shown to a model."""

# How refusals end of hosts that are not among those that an App is held to.
NOT_LISTED = "is not among the App's “Only these hosts”"


class OutboundError(Exception):
    """A call failed.

    Attributes:
        verdict: the same in the words of a call's record.
        is_transient: the same call may succeed later.
    """

    def __init__(self, message: str, *, verdict: str, is_transient: bool = False) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.is_transient = is_transient


class Refused(OutboundError):
    """A rule of ours forbids the call."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"the call is not allowed: {rule}", verdict=f"refused: {rule}")


class TooLarge(OutboundError):
    """The answer went on after the limit."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the answer is larger than {max_bytes} bytes", verdict="too large")


class TimedOut(OutboundError):
    """The call took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no complete answer came within {seconds:g} seconds", verdict="timed out", is_transient=True)


class Unreachable(OutboundError):
    """No connection, or one that broke."""

    def __init__(self, what: str) -> None:
        super().__init__(what, verdict=f"failed: {what}", is_transient=True)
