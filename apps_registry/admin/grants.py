"""Nobody gives more than he has: what an operator may hand to users, groups, keys and Apps.

The rule, for everybody but superusers, who have everything:

- Apps: who may neither view nor change Apps puts nothing into one (a tool, a server, a document) and opens none by a
  key.
- Permissions: a user or group is given only permissions that the giver holds, and a group only if the giver holds all
  that it gives. Nobody but a superuser makes one.
- People: who holds more than the giver, or is a superuser, is not changed by him at all: a new password, too, would
  hand him all that the other may do.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet

from apps_registry.models import App


def sees_apps(user: Any) -> bool:
    """Return whether an operator may see Apps."""
    return bool(user.has_perm("apps_registry.view_app") or user.has_perm("apps_registry.change_app"))


def apps_to_open(user: Any, already: QuerySet[App] | None = None) -> QuerySet[App]:
    """Return the Apps that an operator may let a key open.

    Args:
        user: the operator.
        already: what the key opens now, which may stay.
    """
    if sees_apps(user):
        return App.objects.all()
    return App.objects.none() if already is None else App.objects.filter(pk__in=already.values("pk"))


def permissions_of(user: Any) -> QuerySet[Permission]:
    """Return what a user holds, or would hold if he were active."""
    if user.is_superuser:
        return Permission.objects.all()
    held = Permission.objects.filter(Q(user=user.pk) | Q(group__user=user.pk))
    return Permission.objects.filter(pk__in=held.values("pk"))


def groups_to_give(user: Any) -> QuerySet[Group]:
    """Return the groups of whose permissions an operator holds all."""
    beyond = Permission.objects.exclude(pk__in=permissions_of(user).values("pk"))
    return Group.objects.exclude(permissions__in=beyond)


def may_change_user(operator: Any, user: User) -> bool:
    """Return whether an operator may change a user, if he may change users at all."""
    if operator.is_superuser or operator.pk == user.pk:
        return True
    beyond = permissions_of(user).exclude(pk__in=permissions_of(operator).values("pk"))
    return not user.is_superuser and not beyond.exists()
