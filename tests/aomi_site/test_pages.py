"""Paths outside the API: unknown ones, the icon, and where a login leads."""

import httpx2
import pytest

from tests.conftest import Operator
from tests.product import NO_TLS, Server

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nothing", "/v2/chat", "/accounts/profile/", "/admin.php"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_paths_get_a_problem_for_programs_and_a_page_for_people(server: Server, path: str, method: str) -> None:
    for accept in ("*/*", "application/json", ""):
        answer = httpx2.request(method, f"{server.url}{path}", headers={"Accept": accept}, verify=NO_TLS)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["Content-Type"] == "application/problem+json"
    page = httpx2.request(method, f"{server.url}{path}", headers=BROWSER, verify=NO_TLS)
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing at this address." in page.text


@pytest.mark.parametrize("rest", ["", "x", "playground/x/", "playground/1", "0b1f6f0a-52c6-4f0e-9a3d-1c8f2f7f4e11"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_admin_answers_paths_that_are_not_live_streams(server: Server, rest: str, method: str) -> None:
    answer = httpx2.request(method, f"{server.url}/admin/live/{rest}", headers=BROWSER, verify=NO_TLS)
    elsewhere = httpx2.request(method, f"{server.url}/admin/nothing/{rest}", headers=BROWSER, verify=NO_TLS)
    assert answer.status_code == elsewhere.status_code < 500
    assert answer.headers["Content-Security-Policy"] == elsewhere.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == elsewhere.headers["X-Frame-Options"]


def test_browsers_find_an_icon(server: Server) -> None:
    icon = server.get("/favicon.ico", follow_redirects=True)
    assert (icon.status_code, icon.headers["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    ("next_", "leads_to"),
    [
        *(("//evil.example", "/admin/"), ("https://evil.example/admin/", "/admin/"), ("", "/admin/")),
        *(("javascript:alert(1)", "/admin/"), ("/\\evil.example", "/admin/"), ("/admin/keys/", "/admin/keys/")),
    ],
)
def test_a_login_redirects_only_within_the_site(server: Server, operator: Operator, next_: str, leads_to: str) -> None:
    with httpx2.Client(base_url=server.url, verify=NO_TLS) as browser:
        browser.get("/admin/login/", params={"next": next_})
        form = {"username": operator.username, "password": operator.password, "next": next_}
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        answer = browser.post("/admin/login/", params={"next": next_}, data=form)
        assert (answer.status_code, answer.headers["Location"]) == (302, leads_to)
        assert browser.get("/admin/").status_code == 200
