"""The JSON of wallets and their proofs."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chat.wire.values import EXAMPLE_STATE, EXAMPLE_WALLET, shown_as
from sessions_app.user_state import ADDRESS_PATTERN, CHAIN_ID_MAX

Address = Annotated[
    str,
    Field(
        description="A wallet's address; of mixed case only with its EIP-55 checksum.",
        pattern=f"^{ADDRESS_PATTERN.pattern}$",
        examples=[EXAMPLE_WALLET],
    ),
]
ChainId = Annotated[int, Field(description="EIP-155", ge=1, le=CHAIN_ID_MAX, examples=[1])]


class Connection(TypedDict, total=False):
    """Whether a wallet is connected."""

    is_connected: bool


class EvmWallet(Connection, total=False):
    """A wallet."""

    address: Address | None
    chain_id: ChainId | None


@shown_as(EXAMPLE_STATE)
class UserState(EvmWallet, total=False):
    """What the client says of itself: its wallet in flat or nested form, and whatever else."""

    connection: Connection
    evm: EvmWallet


class WalletChallenge(TypedDict):
    """The text to sign, and until when."""

    message: str
    nonce: str
    expires_at: datetime


class ProvenWallet(TypedDict):
    """The wallet that the session now belongs to."""

    address: Address
    chain_id: ChainId
    is_proven: Literal[True]
