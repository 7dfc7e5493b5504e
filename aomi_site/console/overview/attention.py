"""What needs an operator's attention, with links. Operators learn only of what they may see."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Window
from django.urls import reverse

from aomi_site.console.overview.workers import Worker
from apps_registry.admin.figures import SHARE
from apps_registry.models import Document, OutboundCall
from keys.limits.fuse import read_fuse
from keys.limits.near import Expiring, NearAnEnd, NearLimit, near_an_end

# A limit for each kind, so that one kind does not hide the others.
MAX_OF_A_KIND = 5
# A tool fails if this many of its calls of the last hour did, and at least this share.
FAILED_CALLS, FAILED_SHARE = 3, 0.2
TOOLS_SINCE = timedelta(hours=1)
# The refused calls of the last hour are unusually many if they reach both of these.
MANY_REFUSED, TIMES_USUAL = 50, 3
REFUSED_SINCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that needs attention.

    Attributes:
        tone: "bad" if something does not work, "warn" if it soon may not.
        what: the kind of thing, such as "Key".
        name: which one.
        text: what is wrong.
        url: the page on which to do something about it.
        action: the label of the link.
    """

    tone: str
    what: str
    name: str
    text: str
    url: str
    action: str = "Open"


def items_for(user: Any, workers: Sequence[Worker], now: datetime) -> list[Item]:
    """Return what an operator should look at; what does not work comes first.

    Args:
        user: the operator.
        workers: the workers, as read_workers returns them.
        now: the current time.
    """
    sources: tuple[tuple[str, str, Callable[[], Iterator[Item]]], ...] = (
        ("keys", "fusestate", _fuse),
        ("apps_registry", "model", lambda: _models(workers)),
        ("apps_registry", "outboundcall", lambda: _tools(now)),
        ("apps_registry", "document", _documents),
    )
    items = list(_workers(workers))
    for app_label, model, read in sources:
        if _sees(user, app_label, model):
            items += read()
    items += _keys_and_refusals(
        now, sees_keys=_sees(user, "keys", "appkey"), sees_refusals=_sees(user, "keys", "refusal")
    )
    return sorted(items, key=lambda item: item.tone != "bad")


def _sees(user: Any, app_label: str, model: str) -> bool:
    return any(user.has_perm(f"{app_label}.{verb}_{model}") for verb in ("view", "change"))


def _workers(workers: Sequence[Worker]) -> Iterator[Item]:
    here = f"{reverse('admin:index')}#workers"
    problems = [(worker.row, problem) for worker in workers for problem in worker.problems]
    for row, problem in problems[:MAX_OF_A_KIND]:
        yield Item("bad", "Worker", str(row), problem, here, "See the workers")
    yield from _more("bad", "Worker", len(problems), here)
    versions = sorted({worker.row.version for worker in workers if worker.is_fresh})
    if len(versions) > 1:
        yield Item("warn", "Workers", "", f"serve different versions: {', '.join(versions)}", here, "See the workers")


def _fuse() -> Iterator[Item]:
    fuse = read_fuse()
    if fuse.opened_by:
        why = "an operator pulled it" if fuse.opened_by == "hand" else f"today's limit of {fuse.opened_by} is used up"
        url = reverse("admin:keys_fusestate_changelist")
        yield Item("bad", "Fuse", "", f"open: {why}. Callers without a key are refused", url)


def _models(workers: Sequence[Worker]) -> Iterator[Item]:
    """Yield the models whose circuit breaker is open on a worker."""
    serving = [worker for worker in workers if worker.is_fresh]
    open_on = Counter((name, pk) for worker in serving for pk, name in worker.open_models)
    for (name, pk), count in sorted(open_on.items())[:MAX_OF_A_KIND]:
        text = f"skipped by {count} of {len(serving)} workers, because it kept failing (circuit breaker open)"
        yield Item("bad", "Model", name, text, reverse("admin:apps_registry_model_change", args=[pk]))
    ids = ",".join(str(pk) for _, pk in sorted(open_on))
    yield from _more("bad", "Model", len(open_on), _list("admin:apps_registry_model_changelist", id__in=ids))


def _tools(now: datetime) -> Iterator[Item]:
    """Yield tools whose calls to other servers fail."""
    calls = OutboundCall.objects.filter(created_at__gte=now - TOOLS_SINCE).order_by()
    counted = calls.values("app_id", "app__slug", "tool").annotate(
        total=Count("pk"), failed=Count("pk", filter=OutboundCall.FAILED)
    )
    rows = counted.filter(failed__gte=FAILED_CALLS).order_by("-failed")
    failing = [row for row in rows if row["failed"] >= FAILED_SHARE * row["total"]]
    for row in failing[:MAX_OF_A_KIND]:
        text = f"{row['failed']:,} of its {row['total']:,} outbound calls of the last hour failed"
        query = urlencode({"app__id__exact": row["app_id"], "outcome": "failed", "q": row["tool"]})
        url = f"{reverse('admin:apps_registry_outboundcall_changelist')}?{query}"
        yield Item("bad", "Tool", f"{row['tool']} ({row['app__slug'] or 'deleted App'})", text, url)
    since = f"{now - TOOLS_SINCE:%Y-%m-%dT%H:%M:%SZ}"
    url = _list("admin:apps_registry_outboundcall_changelist", outcome="failed", created_at__gte=since)
    yield from _more("bad", "Tool", len(failing), url)


def _documents() -> Iterator[Item]:
    failed = Document.objects.filter(state=Document.State.FAILED).select_related("app").order_by("-queued_at")
    shown = list(failed.annotate(of_all=Window(Count("pk")))[:MAX_OF_A_KIND])
    for document in shown:
        text = document.error or "could not be read"
        url = reverse("admin:apps_registry_document_change", args=[document.pk])
        yield Item("warn", "Document", f"{document.title} ({document.app.slug})", text, url)
    count = shown[0].of_all if shown else 0
    yield from _more("warn", "Document", count, _list("admin:apps_registry_document_changelist", state__exact="failed"))


def _keys_and_refusals(now: datetime, *, sees_keys: bool, sees_refusals: bool) -> Iterator[Item]:
    """Yield what one query finds: many refused calls, keys and Apps that are near a limit, then keys that expire."""
    if not (sees_keys or sees_refusals):
        return
    soon = now + timedelta(days=settings.KEY_EXPIRY_NOTICE_DAYS)
    ends = near_an_end(now, soon, MAX_OF_A_KIND, with_refused=sees_refusals)
    if ends.refused >= max(MANY_REFUSED, TIMES_USUAL * ends.usually_refused):
        yield _refused(ends, now)
    if sees_keys:
        yield from _keys(ends, now)


def _refused(ends: NearAnEnd, now: datetime) -> Item:
    text = (
        f"{ends.refused:,} in the last hour; the hours of the day before had {round(ends.usually_refused):,} on average"
    )
    url = _list("admin:keys_refusal_changelist", at__gte=f"{now - REFUSED_SINCE:%Y-%m-%dT%H:%M:%SZ}")
    return Item("warn", "Refused calls", "", text, url, "See them")


def _keys(ends: NearAnEnd, now: datetime) -> Iterator[Item]:
    """Yield keys and Apps that are near a limit, then keys that expire."""
    yield from map(_near, ends.near)
    keys, app_ids = "admin:keys_appkey_changelist", ",".join(map(str, ends.app_ids))
    yield from _more("warn", "Key", ends.keys, _list(keys, status="near"), "near a limit")
    apps = _list("admin:apps_registry_app_changelist", id__in=app_ids)
    yield from _more("warn", "App", len(ends.app_ids), apps, "near a limit")
    yield from (_expiring(key, now) for key in ends.expiring)
    yield from _more("warn", "Key", ends.expiring_keys, _list(keys, status="expiring"), "that expire soon")


def _more(tone: str, what: str, count: int, url: str, which: str = "") -> Iterator[Item]:
    """Yield how many more there are of a kind than are shown; nothing if all are shown.

    Args:
        tone: as that of the kind's other items.
        what: the kind of thing.
        count: how many there are.
        url: where all of them are listed.
        which: what they have in common, if the kind has several lists.
    """
    if more := max(0, count - MAX_OF_A_KIND):
        yield Item(tone, what, "", f"{more:,} more {which}".strip(), url, "See all")


def _list(page: str, **query: str) -> str:
    return f"{reverse(page)}?{urlencode(query)}"


def _near(near: NearLimit) -> Item:
    pages = {"key": ("Key", "admin:keys_appkey_change"), "app": ("App", "admin:apps_registry_app_change")}
    what, page = pages[near.kind]
    text = f"has used {SHARE.short(near.share)} of its {near.rule}"
    return Item("bad" if near.share >= 1 else "warn", what, near.name, text, reverse(page, args=[near.id]))


def _expiring(key: Expiring, now: datetime) -> Item:
    url = reverse("admin:keys_appkey_change", args=[key.id])
    return Item("warn", "Key", key.label, f"expires {_until(key.expires_at, now)}", url)


def _until(moment: datetime, now: datetime) -> str:
    hours = int((moment - now).total_seconds() // 3600)
    return f"in {hours // 24} days" if hours >= 48 else f"in {max(1, hours)} hours"
