"""`/api/wallet/…`: clients prove that they hold a wallet's key with Sign-In with Ethereum (EIP-4361)."""

from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from apps_registry.support.wallet_addresses import checksummed
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import ChallengeRequest, ProofRequest
from chat.wire.wallets import ProvenWallet, WalletChallenge
from sessions_app.store import store
from sessions_app.values import Wallet
from sessions_app.wallets.proofs import issue_challenge, prove
from sessions_app.wallets.siwe import InvalidProof, parse_message


class WalletChallengeView(ApiView):
    """`POST /api/wallet/challenge`."""

    @reads(ChallengeRequest)
    async def post(self, request: Request, params: ChallengeRequest) -> Answer[WalletChallenge]:
        """Get a text for the user's wallet to sign; a session that does not exist is created."""
        session_id, wallet = self.session_id(), Wallet(params.address.lower(), params.chain_id)
        await self.wallet_of_call(wallet)
        domain, uri = _domain_and_uri(request, params)
        if await store.load(session_id) is None:
            await self.create_session(session_id)
        session = await store.load(session_id)
        if session is None:
            raise NotFound("The session was deleted in the meantime.")
        await self.app_of(session)
        challenge = await issue_challenge(session_id, wallet=wallet, domain=domain, uri=uri)
        return Answer({"message": challenge.message, "nonce": challenge.nonce, "expires_at": challenge.expires_at})


class WalletVerifyView(ApiView):
    """`POST /api/wallet/verify`."""

    @reads(ProofRequest)
    async def post(self, request: Request, params: ProofRequest) -> Answer[ProvenWallet]:
        """Prove with the signed text that the user holds the wallet's key, and bind the session to the wallet."""
        session_id = self.session_id()
        await self.known_session(session_id)
        try:
            await self.wallet_of_call(Wallet(parse_message(params.message).address.lower()))
            wallet = await prove(session_id, message=params.message, signature=params.signature)
        except InvalidProof as error:
            raise ValidationError(str(error)) from None
        return Answer(
            {"address": checksummed(wallet.address), "chain_id": cast(int, wallet.chain_id), "is_proven": True}
        )


def _domain_and_uri(request: Request, params: ChallengeRequest) -> tuple[str, str]:
    """Return domain and URI of the page that requests the signature, which wallets compare with the address bar.

    The page must be on the host that was called or on one of the deployment's origins. An App's own origins do not
    count: otherwise its website could make visitors sign a message that proves their wallets to other Apps.
    """
    host = request.get_host()
    domain = params.domain or host
    if domain not in {host, *(urlsplit(origin).netloc for origin in settings.CORS_ALLOWED_ORIGINS)}:
        raise ValidationError("domain is neither the host called nor one of CORS_ALLOWED_ORIGINS.")
    uri = params.uri or f"{request.scheme}://{domain}"
    if not _is_on(domain, uri):
        raise ValidationError("uri is not an http or https URL of the domain.")
    return domain, uri


def _is_on(domain: str, uri: str) -> bool:
    if not (uri.isascii() and uri.isprintable()) or " " in uri:
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == domain
