"""Prevents privilege escalation: operators cannot grant more than they have.

The rules, for everyone except superusers, who have all permissions:

- Apps: operators who may neither view nor change Apps cannot add anything to an App (a tool, a server, a document), nor
  give a key access to one.
- Permissions: operators can grant only permissions that they have, and only groups whose permissions they all have.
  Only a superuser can create a superuser.
- Users: operators cannot change superusers or users with more permissions than they have themselves. A new password
  alone would give them all of those permissions.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet

from apps_registry.models import App


def sees_apps(user: Any) -> bool:
    """Tell whether an operator may see Apps."""
    return bool(user.has_perm("apps_registry.view_app") or user.has_perm("apps_registry.change_app"))


def apps_to_open(user: Any, current: QuerySet[App] | None = None) -> QuerySet[App]:
    """Return the Apps that an operator may add to a key.

    Args:
        user: the operator.
        current: the Apps of the key, which it may keep.
    """
    if sees_apps(user):
        return App.objects.all()
    return App.objects.none() if current is None else App.objects.filter(pk__in=current.values("pk"))


def permissions_of(user: Any) -> QuerySet[Permission]:
    """Return the permissions of a user, as if the user were active."""
    if user.is_superuser:
        return Permission.objects.all()
    held = Permission.objects.filter(Q(user=user.pk) | Q(group__user=user.pk))
    return Permission.objects.filter(pk__in=held.values("pk"))


def groups_to_give(user: Any) -> QuerySet[Group]:
    """Return the groups that contain no permission that the operator lacks."""
    missing_permissions = Permission.objects.exclude(pk__in=permissions_of(user).values("pk"))
    return Group.objects.exclude(permissions__in=missing_permissions)


def may_change_user(operator: Any, user: User) -> bool:
    """Tell whether an operator with permission to change users may change this user."""
    if operator.is_superuser or operator.pk == user.pk:
        return True
    missing_permissions = permissions_of(user).exclude(pk__in=permissions_of(operator).values("pk"))
    return not user.is_superuser and not missing_permissions.exists()
