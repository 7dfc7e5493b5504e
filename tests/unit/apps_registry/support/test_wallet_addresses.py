"""Address checksums, with the test vectors of EIP-55."""

import pytest

from apps_registry.support.wallet_addresses import checksummed, is_mistyped
from sessions_app.user_state import InvalidUserState, parse_wallet

# The test cases in EIP-55.
VECTORS = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
MIXED = VECTORS[4:]


@pytest.mark.parametrize("address", VECTORS)
def test_the_checksum_is_that_of_the_standard(address: str) -> None:
    assert checksummed(address.lower()) == checksummed(address) == address


@pytest.mark.parametrize("address", VECTORS)
def test_one_case_throughout_is_accepted_and_stored_in_lower_case(address: str) -> None:
    upper = "0x" + address[2:].upper()
    wallets = [parse_wallet({"address": form}) for form in (address, address.lower(), upper)]
    assert [wallet and wallet.address for wallet in wallets] == [address.lower()] * 3


@pytest.mark.parametrize("address", MIXED)
def test_every_letter_in_the_wrong_case_is_noticed(address: str) -> None:
    for at, letter in enumerate(address):
        if letter.isalpha() and at > 1:
            wrong = address[:at] + letter.swapcase() + address[at + 1 :]
            assert is_mistyped(wrong)


@pytest.mark.parametrize(
    "address",
    [
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0X" + "a" * 40,
        "0x" + "a" * 39,
        "0x" + "a" * 41,
        "0x" + "a" * 40 + "\n",
        "0x" + "\N{FULLWIDTH DIGIT ONE}" * 40,
        "vitalik.eth",
        5,
        ["0x" + "a" * 40],
    ],
)
def test_an_invalid_address_is_refused(address: object) -> None:
    with pytest.raises(InvalidUserState, match="40 hexadecimal digits"):
        parse_wallet({"address": address})
