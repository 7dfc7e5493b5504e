"""Makes the hashes of operators' passwords cheap, in the tests' process and in the servers that it forks.

A real hash takes a third of a second of CPU, and most tests of logins make a dozen. A server that starts as
a new Python (see tests/preloaded.py) makes real ones.
"""


def make_hashes_cheap() -> None:
    """Give argon2 the least work and memory that it accepts, and change nothing else of the product's hasher."""
    from aomi_site.logins.passwords import QueuedArgon2PasswordHasher

    QueuedArgon2PasswordHasher.time_cost = 1
    QueuedArgon2PasswordHasher.memory_cost = 8  # KiB
    QueuedArgon2PasswordHasher.parallelism = 1
