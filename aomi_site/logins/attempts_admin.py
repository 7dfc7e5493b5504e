"""The console's page of failed logins and the resulting locks."""

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.display import badge, moment


@admin.register(AccessAttempt)
class LoginAttemptAdmin(ConsoleAdmin[AccessAttempt]):
    """Failed logins of the last minutes, by user and address. Deleting one removes its lock."""

    fields = ("username", "ip_address", "failures_since_start", "state", "last_wrong")
    readonly_fields = fields
    list_display = ("username", "ip_address", "failures_since_start", "state", "last_wrong")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)

    @admin.display(description="status")
    def state(self, attempt: AccessAttempt) -> SafeString:
        """Show until when the login is locked, or how many failures are left before it is."""
        ends_at = attempt.attempt_time + settings.AXES_COOLOFF_TIME
        remaining = settings.AXES_FAILURE_LIMIT - attempt.failures_since_start
        if ends_at <= timezone.now():
            return badge("expired")
        if remaining > 0:
            return format_html("{} left", remaining)
        return format_html("{} until {}", badge("locked"), moment(ends_at))

    @admin.display(description="last failed login", ordering="attempt_time")
    def last_wrong(self, attempt: AccessAttempt) -> SafeString:
        """Show the time of the last failure."""
        return moment(attempt.attempt_time)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Failed logins are counted, never added manually."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessAttempt | None = None) -> bool:
        """They can be viewed and deleted, but not changed."""
        return False
