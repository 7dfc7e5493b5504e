"""What an import or a release would do is shown first, and done only if it is still the same."""


class PlanChanged(Exception):
    """What would be done is no longer what was confirmed."""
