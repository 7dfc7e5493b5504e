"""Built-in tool: the wallet that is bound to the conversation."""

from typing import Any

from apps_registry.tools.base import ToolContext
from apps_registry.tools.builtin import builtin_tool

# EIP-155 chain ids with their common names; source: the registry ethereum-lists/chains.
CHAIN_NAMES = {
    1: "Ethereum",
    10: "OP Mainnet",
    25: "Cronos",
    56: "BNB Smart Chain",
    97: "BNB Smart Chain Testnet",
    100: "Gnosis",
    130: "Unichain",
    137: "Polygon",
    146: "Sonic",
    250: "Fantom Opera",
    324: "ZKsync Era",
    480: "World Chain",
    1101: "Polygon zkEVM",
    5000: "Mantle",
    8453: "Base",
    17000: "Holesky",
    31337: "a local development chain",  # the default of Hardhat and Anvil
    42161: "Arbitrum One",
    42170: "Arbitrum Nova",
    42220: "Celo",
    43113: "Avalanche Fuji",
    43114: "Avalanche C-Chain",
    59144: "Linea",
    80002: "Polygon Amoy",
    81457: "Blast",
    84532: "Base Sepolia",
    421614: "Arbitrum Sepolia",
    534352: "Scroll",
    560048: "Hoodi",
    11155111: "Sepolia",
    11155420: "OP Sepolia",
}


@builtin_tool
def get_wallet(context: ToolContext) -> dict[str, Any]:
    """Get the user's connected wallet: its address, chain id and chain name. Takes no arguments."""
    if context.wallet_address is None:
        return {"connected": False, "message": "The user has connected no wallet to this conversation."}
    wallet: dict[str, Any] = {
        "connected": True,
        "address": context.wallet_address,
        "ownership_proven": context.wallet_is_proven,
    }
    if context.wallet_chain_id is not None:
        wallet["chain_id"] = context.wallet_chain_id
        wallet["chain_name"] = CHAIN_NAMES.get(context.wallet_chain_id, "unknown")
    return wallet
