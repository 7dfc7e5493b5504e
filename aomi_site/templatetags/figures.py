"""Template filters that write numbers with their units."""

from django import template

from apps_registry.admin.figures import COUNT, MONEY, SHARE, TIME

register = template.Library()
register.filter("short_count", COUNT.short)
register.filter("exact_count", COUNT.exact)
register.filter("short_money", MONEY.short)
register.filter("exact_money", MONEY.exact)
register.filter("share", SHARE.short)
register.filter("time_short", TIME.short)
