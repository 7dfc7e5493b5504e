"""`/api/wallet/…`: a client proves that it holds its wallet's key, by Sign-In with Ethereum (EIP-4361)."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.base import ApiView
from chat.api.parameters import text_parameter
from sessions_app.store import store
from sessions_app.user_state import parse_wallet
from sessions_app.values import Wallet
from sessions_app.wallets.addresses import checksummed, is_mistyped
from sessions_app.wallets.proofs import issue_challenge, prove
from sessions_app.wallets.siwe import InvalidProof

URI_MAX_CHARS = 2_000
CHAIN_ID_MAX_DIGITS = 16


class WalletChallengeView(ApiView):
    """`POST /api/wallet/challenge`."""

    async def post(self, request: Request) -> Response:
        """Answer the text to sign; a session that does not exist yet is made."""
        session_id, wallet = self.session_id(), _wallet(request)
        domain, uri = _domain_and_uri(request)
        if await store.load(session_id) is None:
            await store.create(session_id, app_id=None, user_state=None, wallet=None)
        session = await store.load(session_id)
        if session is None:
            raise NotFound("The session was deleted meanwhile.")
        await self.app_of(session)
        challenge = await issue_challenge(session_id, wallet=wallet, domain=domain, uri=uri)
        return Response({"message": challenge.message, "nonce": challenge.nonce, "expires_at": challenge.expires_at})


class WalletVerifyView(ApiView):
    """`POST /api/wallet/verify`."""

    async def post(self, request: Request) -> Response:
        """Bind the session to the wallet whose key signed the challenge."""
        session_id = self.session_id()
        await self.known_session(session_id)
        message, signature = text_parameter(request, "message"), text_parameter(request, "signature")
        if not message or not signature:
            raise ValidationError(f"{'signature' if message else 'message'} is missing or empty.")
        try:
            wallet = await prove(session_id, message=message, signature=signature)
        except InvalidProof as error:
            raise ValidationError(str(error)) from None
        return Response({"address": checksummed(wallet.address), "chain_id": wallet.chain_id, "is_proven": True})


def _wallet(request: Request) -> Wallet:
    """Return the wallet to prove.

    Raises:
        ValidationError: no address or no chain id.
        InvalidUserState: either is malformed.
    """
    body: Any = request.data  # our parsers give objects only
    chain_id = request.query_params.get("chain_id", body.get("chain_id"))
    if isinstance(chain_id, str) and chain_id.isascii() and chain_id.isdecimal():
        chain_id = int(chain_id[: CHAIN_ID_MAX_DIGITS + 1])
    address = text_parameter(request, "address")
    wallet = parse_wallet({"address": address, "chain_id": chain_id})
    if address and is_mistyped(address):
        raise ValidationError("address is of mixed case and contradicts its EIP-55 checksum.")
    if wallet is None or wallet.chain_id is None:
        raise ValidationError(f"{'chain_id' if wallet else 'address'} is missing or empty.")
    return wallet


def _domain_and_uri(request: Request) -> tuple[str, str]:
    """Return the page that asks for the signature, which wallets compare with what they see in the address bar.

    It is on the host that was called, or on an origin of the deployment. An App's own origins do not count: its
    website could then have visitors sign what proves their wallets to other Apps.
    """
    host = request.get_host()
    domain = text_parameter(request, "domain") or host
    if domain not in {host, *(urlsplit(origin).netloc for origin in settings.CORS_ALLOWED_ORIGINS)}:
        raise ValidationError("domain is neither the host called nor one of CORS_ALLOWED_ORIGINS.")
    uri = text_parameter(request, "uri", max_chars=URI_MAX_CHARS) or f"{request.scheme}://{domain}"
    if not _is_on(domain, uri):
        raise ValidationError("uri is not an http or https address at the domain.")
    return domain, uri


def _is_on(domain: str, uri: str) -> bool:
    if not (uri.isascii() and uri.isprintable()) or " " in uri:
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == domain
