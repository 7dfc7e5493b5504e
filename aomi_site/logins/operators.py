"""The console's pages for operators and groups; `apps_registry.admin.grants` holds the rule that they follow."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from apps_registry.admin import grants
from apps_registry.admin.base import NoSecretLookups

admin.site.unregister(User)
admin.site.unregister(Group)
GIVEN: dict[str, Any] = {
    "permissions": grants.permissions_of,
    "user_permissions": grants.permissions_of,
    "groups": grants.groups_to_give,
}


class LimitedGrants(NoSecretLookups, BaseModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Offers and accepts only permissions and groups that the operator may grant."""

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer what the operator may grant, with the order and the queries of Django's own pages."""
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name in GIVEN and not request.user.is_superuser:
            field.queryset = field.queryset.filter(pk__in=GIVEN[db_field.name](request.user).values("pk"))
        return field


@admin.register(User)
class OperatorAdmin(LimitedGrants, UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Operators are deactivated, as Django recommends, not deleted, so that the record of their actions remains."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators cannot be deleted; unticking “Active” takes effect at the operator's next request."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators cannot change anything, including the password, of an operator who has more permissions."""
        return super().has_change_permission(request, obj) and (
            obj is None or grants.may_change_user(request.user, obj)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only superusers can create superusers."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")


@admin.register(Group)
class OperatorGroupAdmin(LimitedGrants, GroupAdmin):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators cannot change a group that grants more than they have."""
        return super().has_change_permission(request, obj) and self._may_grant(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators cannot delete a group that grants more than they have."""
        return super().has_delete_permission(request, obj) and self._may_grant(request, obj)

    def _may_grant(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or grants.groups_to_give(request.user).filter(pk=obj.pk).exists()
