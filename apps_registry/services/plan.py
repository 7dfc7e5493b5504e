"""Shared by imports and releases: a plan is shown first, and applied only if it has not changed."""


class PlanChanged(Exception):
    """The plan has changed since it was confirmed."""
