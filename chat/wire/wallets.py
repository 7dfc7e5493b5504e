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
        description="A wallet's address. Mixed case must match the EIP-55 checksum.",
        pattern=f"^{ADDRESS_PATTERN.pattern}$",
        examples=[EXAMPLE_WALLET],
    ),
]
ChainId = Annotated[
    int, Field(description="The EIP-155 chain id, such as 1 for Ethereum.", ge=1, le=CHAIN_ID_MAX, examples=[1])
]


class Connection(TypedDict, total=False):
    """Whether a wallet is connected."""

    is_connected: bool


class EvmWallet(Connection, total=False):
    """A wallet."""

    address: Address | None
    chain_id: ChainId | None


@shown_as(EXAMPLE_STATE)
class UserState(EvmWallet, total=False):
    """The client's state: its wallet, in flat or nested form, and any other fields."""

    connection: Connection
    evm: EvmWallet


class WalletChallenge(TypedDict):
    """The text to sign, and when it expires."""

    message: str
    nonce: str
    expires_at: datetime


class ProvenWallet(TypedDict):
    """The proven wallet, to which the session is now bound."""

    address: Address
    chain_id: ChainId
    is_proven: Literal[True]
