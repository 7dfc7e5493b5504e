"""Errors of outbound calls; their messages may be shown to a model."""

# End of the refusals of hosts that are not in an App's list of hosts.
NOT_LISTED = "is not in the App's list “Only these hosts”"


class OutboundError(Exception):
    """A call failed.

    Attributes:
        verdict: the message in the form of a call record.
        is_transient: the same call may succeed later.
    """

    def __init__(self, message: str, *, verdict: str, is_transient: bool = False) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.is_transient = is_transient


class Refused(OutboundError):
    """A rule of this server forbids the call."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"the call is not allowed: {rule}", verdict=f"refused: {rule}")


class TooLarge(OutboundError):
    """The response is larger than the limit."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the answer is larger than {max_bytes} bytes", verdict="too large")


class TimedOut(OutboundError):
    """The call exceeded its time limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no complete answer came within {seconds:g} seconds", verdict="timed out", is_transient=True)


class Unreachable(OutboundError):
    """No connection could be made, or it broke."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, verdict=f"failed: {reason}", is_transient=True)
