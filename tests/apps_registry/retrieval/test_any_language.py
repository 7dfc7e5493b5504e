"""Documents in any script are found by words, each by the rules of its own language."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client as AdminClient

from apps_registry.models import App, Document
from apps_registry.retrieval.analysis import INDEX_VERSION
from tests.apps_registry.retrieval.conftest import Ask, Ingest
from tests.commands import Result
from tests.product import Server
from tests.waiting import wait_until

DISTANT = datetime(9999, 1, 1, tzinfo=UTC)
DOCUMENTS = {
    "zh.txt": "员工在外出差时须通过VPN连接公司内网,数字证书有效期为九十天。",
    "ja.txt": "引っ越しの際は、新しい住所とメーター番号をご登録ください。",
    "ko.txt": "비밀번호를 잊으셨다면 로그인 화면에서 재설정할 수 있습니다.",
    "th.txt": "หากลืมรหัสผ่าน ให้กดลิงก์ใต้ช่องเข้าสู่ระบบ",
    "lo.txt": "ຖ້າລືມລະຫັດຜ່ານ ໃຫ້ກົດລິ້ງ",
    "km.txt": "បើភ្លេចពាក្យសម្ងាត់ សូមចុចតំណ។",
    "ar.txt": "يتصل الموظفون بالشبكة، والشهادة الرقمية تسري تسعين يوماً على أن تُجدَّد.",
    "de.txt": "Die Häuser am Markt stehen leer, und die Schlüssel liegen bei der Verwaltung.",
    "ru.txt": "Договоры действуют двенадцать месяцев, и затем они продлеваются.",
    "en.txt": "The ferries to the island leave at noon, and the “season” ends in May.",
}
QUERIES = {
    "zh.txt": ["证书有效期", "出差", "VPN"],
    "ja.txt": ["引っ越し", "住所を登録"],
    "ko.txt": ["비밀번호 재설정"],
    "th.txt": ["รหัสผ่าน"],
    "lo.txt": ["ລະຫັດຜ່ານ"],
    "km.txt": ["ពាក្យសម្ងាត់"],
    "ar.txt": ["الشهادات", "الشبكة"],
    "de.txt": ["Haus", "Wo ist der Schlüssel?"],
    "ru.txt": ["договор", "срок действия договоров"],
    "en.txt": ["ferry", "season"],
}


def languages(app: App) -> dict[str, str]:
    return dict(Document.objects.filter(app=app).values_list("name", "language"))


def test_each_script_is_found_by_words_in_its_language(ingest: Ingest, ask: Ask, app: App) -> None:
    ingest(DOCUMENTS)
    detected = languages(app)
    assert {name: detected[name] for name in ("ar.txt", "de.txt", "ru.txt", "en.txt")} == {
        **{"ar.txt": "arabic", "de.txt": "german", "ru.txt": "russian", "en.txt": "english"}
    }
    assert {detected[name] for name in ("zh.txt", "ja.txt", "ko.txt", "th.txt", "lo.txt", "km.txt")} == {"simple"}
    for name, queries in QUERIES.items():
        for query in queries:
            passages = ask(query)["passages"]
            assert passages, query
            assert passages[0]["text"] == DOCUMENTS[name], query
    assert ask("税金")["passages"] == []


def test_a_documents_language_is_set_by_command_or_on_its_page(
    ingest: Ingest, ask: Ask, app: App, admin_client: AdminClient, server: Server
) -> None:
    ingest({"a.txt": "Häuser"}, "--language", "german")
    assert languages(app) == {"a.txt": "german"}
    assert len(ask("Haus")["passages"]) == 1
    document = Document.objects.get(app=app)
    page = f"/admin/apps_registry/document/{document.pk}/change/"
    answer = admin_client.post(page, {"title": "a.txt", "tags": "", "language_choice": "simple"})
    assert answer.status_code == 302
    wait_until(lambda: languages(app) == {"a.txt": "simple"})  # a server's worker indexes it again
    assert ask("Haus")["passages"] == []


def test_an_unknown_language_is_refused(manage: Callable[..., Result], app: App) -> None:
    done = manage("ingest", app.slug, "a.txt", "--language", "klingon")
    assert done.code != 0
    assert "klingon" in done.err


@pytest.mark.usefixtures("server")
def test_an_index_of_an_older_kind_says_so_and_is_made_again(
    ingest: Ingest, ask: Ask, app: App, admin_client: AdminClient
) -> None:
    ingest({"zh.txt": DOCUMENTS["zh.txt"]})
    document = Document.objects.get(app=app)

    def outdate(**more: Any) -> None:
        Document.objects.filter(pk=document.pk).update(index_version=0, **more)

    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE apps_registry_documentchunk SET search = to_tsvector('english', text)
            || array_to_tsvector(ARRAY[chr(1) || app_id]) WHERE document_id = %s""",
            [document.pk],
        )
    outdate(state=Document.State.FAILED)  # no worker picks it up
    assert ask("证书有效期")["passages"] == []
    outdate(state=Document.State.READY, lease_id="00000000-0000-0000-0000-000000000001", lease_expires_at=DISTANT)
    assert (
        "An older version of the server indexed it"
        in admin_client.get(f"/admin/apps_registry/document/{document.pk}/change/").content.decode()
    )
    outdate(lease_id=None, lease_expires_at=None)
    wait_until(lambda: Document.objects.get(pk=document.pk).index_version == INDEX_VERSION)
    assert len(ask("证书有效期")["passages"]) == 1
