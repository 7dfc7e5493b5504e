"""The outbound client over TLS, against real servers with the tests' own certificates."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apps_registry.outbound.client import CallRecord, OutboundRequest, OutboundResponse, send, tls
from apps_registry.outbound.errors import Refused, Unreachable
from tests.upstream import Upstream, echo

NAMES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def certificate(folder: Path, names: list[Any]) -> Path:
    """Return a self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    path = folder / "certificate.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def encrypted(path: Path) -> Upstream:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    running = Upstream(echo)
    running._server.socket = context.wrap_socket(running._server.socket, server_side=True)
    return running


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """A server at https://localhost with a certificate that the operator trusts."""
    path = certificate(tmp_path, NAMES)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    tls.cache_clear()
    running = encrypted(path)
    yield running
    running.stop()
    tls.cache_clear()


def call(url: str, *others: Upstream, **headers: str) -> OutboundResponse:
    port = url.partition("//")[2].partition("/")[0].rpartition(":")[2]
    allowed = frozenset({f"localhost:{port}", f"127.0.0.1:{port}", *(server.host for server in others)})
    request = OutboundRequest("GET", url, headers)
    records: list[CallRecord] = []
    return asyncio.run(send(request, allowed_hosts=allowed, timeout_seconds=5, records=records))


def address(upstream: Upstream) -> str:
    return f"https://localhost:{upstream.host.rpartition(':')[2]}/"


def test_a_certificate_must_match_the_host_name(secure: Upstream, tmp_path: Path) -> None:
    """The connection goes to an address, but the certificate must be for the requested name."""
    assert call(address(secure)).status == 200
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other", [x509.DNSName("other.example")])
    named_otherwise = encrypted(other)
    with pytest.raises(Unreachable, match="certificate is not accepted"):
        call(address(named_otherwise))
    trusted = tmp_path / "certificate.pem"
    trusted.write_bytes(trusted.read_bytes() + other.read_bytes())
    tls.cache_clear()
    with pytest.raises(Unreachable, match="certificate is not accepted"):
        call(address(named_otherwise))
    assert not named_otherwise.received
    named_otherwise.stop()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_https_never_leads_to_http(secure: Upstream, upstream: Upstream, status: int) -> None:
    secure.handle = lambda handler, _: handler.redirect(upstream.url, status)
    with pytest.raises(Refused, match="https to http"):
        call(address(secure), upstream, Authorization="Bearer canary")
    assert not upstream.received


def test_http_may_lead_to_https_which_learns_no_secret(secure: Upstream, upstream: Upstream) -> None:
    """Another scheme is another origin, even on the same host, so the private host is not allowed there."""
    upstream.handle = lambda handler, _: handler.redirect(address(secure))
    with pytest.raises(Refused, match="loopback"):
        call(f"{upstream.url}/", secure, Authorization="Bearer canary")
    assert not secure.received
