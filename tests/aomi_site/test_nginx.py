"""The sample configuration of nginx, with a real nginx: what fails with nginx's defaults works with it."""

import datetime
import ipaddress
import ssl
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conftest import Operator
from tests.needs import program
from tests.product import Server, free_port
from tests.root import ROOT
from tests.waiting import wait_until

PRODUCTION = {
    "AOMI_ENV": "production",
    "SECRET_KEY": "production-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "127.0.0.1",
    "TRUSTED_PROXIES": "127.0.0.1",
}


@dataclass
class Front:
    """A running nginx in front of a running product."""

    url: str
    folder: Path
    tls: ssl.SSLContext

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, verify=self.tls, timeout=60)


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "apps.example.com.crt").write_bytes(certificate.public_bytes(encoding))
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "apps.example.com.key").write_bytes(private)


@pytest.fixture
def front(serve: Callable[..., Server], tmp_path: Path) -> Iterator[Front]:
    """The sample, with only the ports, the folders and the host's name changed."""
    server, port = serve(**PRODUCTION), free_port()
    make_certificate(tmp_path)
    sample = (ROOT / "deploy" / "nginx.conf").read_text()
    for before, after in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:8000": f"127.0.0.1:{server.port}",
        "server_name apps.example.com": "server_name 127.0.0.1",
        "/etc/nginx/tls/": f"{tmp_path}/",
        "/var/log/nginx/": f"{tmp_path}/",
    }.items():
        assert before in sample
        sample = sample.replace(before, after)
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/start.log; events {{}} http {{ {folders}\n{sample}}}"
    )
    command = [program("nginx", package="nginx-light"), "-e", f"{tmp_path}/start.log", "-c", str(whole)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr.replace('the "user" directive', "")
    tls = ssl.create_default_context(cafile=str(tmp_path / "apps.example.com.crt"))
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT if hasattr(ssl, "VERIFY_X509_STRICT") else ~0
    with subprocess.Popen(command) as process:
        running = Front(f"https://127.0.0.1:{port}", tmp_path, tls)
        try:
            wait_until(lambda: _answers(running))
            yield running
        finally:
            process.terminate()


def _answers(front: Front) -> bool:
    try:
        with front.client() as client:
            return client.get("/livez").status_code == 200
    except httpx2.TransportError:
        return False


def test_requests_that_default_nginx_breaks_work(front: Front, operator: Operator) -> None:
    canary, session = uuid.uuid4().hex, {"X-Session-Id": str(uuid.uuid4())}
    with front.client() as client:
        # A request line of 64 kB.
        query = {"message": canary, "user_state": '{"ext": "' + "x" * 60_000 + '"}'}
        answer = client.post("/api/chat", params=query, headers=session)
        assert answer.status_code == 200, answer.text
        assert answer.json()["messages"][0]["content"] == canary
        # A stream is not buffered: this one never ends.
        with client.stream("GET", "/api/updates", headers=session) as stream:
            assert next(stream.iter_raw())
        # The admin's login, on another port than 443.
        page = client.get("/admin/login/", follow_redirects=True)
        assert page.url.scheme == "https"
        fields = {
            "username": operator.username,
            "password": operator.password,
            "csrfmiddlewaretoken": client.cookies["csrftoken"],
            "next": "/admin/",
        }
        origin = {"Origin": front.url, "Referer": f"{front.url}/admin/login/"}
        entered = client.post("/admin/login/", data=fields, headers=origin)
        assert (entered.status_code, entered.headers["Location"]) == (302, "/admin/")
        assert "Logged in as" in client.get("/admin/").text
    logs = "".join(path.read_text() for path in front.folder.glob("*.log"))
    assert "POST /api/chat 200" in logs
    assert canary not in logs
    assert "user_state" not in logs
