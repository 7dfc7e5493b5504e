"""What each rule refuses and what an operator can change; docs/operating.md shows how to look up a refusal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason for a refusal.

    Attributes:
        refused: a sentence that says which rule refused, and what it compared.
        change: a sentence that says what to change, or who has to.
    """

    refused: str
    change: str


_ISSUE_ANOTHER = "Issue another key for the caller and have it use that one."
_BUDGET = "Raise the limit {whose}, or wait."
_WAIT = "Nothing: the caller waits for the time in Retry-After and repeats the call."

RULES = {
    # Keys
    "key_missing": Rule(
        "The App needs an App key, and the call had none.",
        "Have the caller send the key on this call too. Original browser clients send it on chat only: for them, turn "
        'on "sessions are readable by id alone" on the App\'s page.',
    ),
    "key_malformed": Rule(
        "This server did not issue the key: its form or its checksum is wrong.",
        "Have the caller compare the key with the one that was issued. Often a part is missing, or a quote or the word "
        "Bearer was copied with it.",
    ),
    "key_misplaced": Rule(
        "An App key was in the Authorization header, but not as `Bearer <key>`.",
        "Have the caller send `Authorization: Bearer <key>`, or the header AOMI-APP-KEY.",
    ),
    "keys_differ": Rule(
        "The call had several different keys.",
        "Have the caller send one key, in one header. A proxy in between may have added another.",
    ),
    "key_unknown": Rule(
        "No App key with this id was ever issued here.",
        "Check that the caller uses a key of this deployment, not of another one. " + _ISSUE_ANOTHER,
    ),
    "key_wrong_secret": Rule(
        "The id is that of an issued key, but the rest of the key is not.",
        "If the caller is yours, it has a damaged copy: " + _ISSUE_ANOTHER + " If it is not, somebody is guessing.",
    ),
    "key_revoked": Rule("The key is revoked.", "Revoking is final. " + _ISSUE_ANOTHER),
    "key_expired": Rule("The key has expired.", "Set a later expiry on the key's page, or issue another key."),
    "key_canary": Rule(
        "It is a canary key: it was planted where only an intruder looks, and opens nothing.",
        "Find out who could read the place where it was planted (see its label), and change the real secrets there.",
    ),
    "key_failures_of_id": Rule(
        "This id failed from this address more than 20 times within a minute; `failure` says why.",
        "Correct the caller's key as `failure` says. Valid keys from the same address keep working.",
    ),
    "key_failures_of_address": Rule(
        "Keys from this address failed more than 500 times within a minute.",
        "If the address is that of your proxy, name it in TRUSTED_PROXIES. Otherwise somebody is guessing keys: block "
        "the address in the proxy. Valid keys from it keep working.",
    ),
    "verifier_busy": Rule(
        "Too many keys waited for their first check in this worker.",
        "Nothing, if it is rare: the caller repeats the call. If it is frequent, somebody floods the server with keys.",
    ),
    # Browser tokens
    "token_not_signed_here": Rule(
        "The browser token is not one that this deployment has signed: it was changed, cut off, or made up, or its "
        "signing key is gone.",
        "Have the page ask its backend for another token. After a change of SECRET_KEY, all tokens end.",
    ),
    "token_signing_key_gone": Rule(
        "The key that signed the browser token was retired, by manage.py rotate_token_keys --now or an hour ago.",
        "Nothing: the page asks its backend for another token.",
    ),
    "token_expired": Rule(
        "The browser token has expired.",
        "Have the page ask its backend for another token when it gets 401, or before `expires_at`.",
    ),
    "token_key_gone": Rule(
        "The App key with which the browser token was made is revoked, expired or deleted.",
        "Give the backend another key: its pages then get new tokens.",
    ),
    "token_app_out_of_scope": Rule(
        "The App key with which the browser token was made no longer opens the token's App.",
        "Add the App to the key's Apps, on the key's page.",
    ),
    "token_in_key_header": Rule(
        "A browser token was in a header for App keys.",
        "Have the page send it as `Authorization: Bearer bt-…`.",
    ),
    "token_is_no_key": Rule(
        "The call needs the App key itself, and had a browser token.",
        "Have the backend make this call.",
    ),
    "session_of_token": Rule(
        "The browser token is for another session.",
        "Have the backend ask for a token for this session, or for none in particular.",
    ),
    "wallet_of_token": Rule(
        "The browser token is for another wallet than the session, or than the one that the call names.",
        "Have the backend ask for another token when its user changes the wallet, and the page begin a new session.",
    ),
    # Where calls come from
    "origin_of_token": Rule(
        "The browser token is for pages of another origin, or the call named no origin.",
        "Have the backend ask for a token with the origin of the page that uses it.",
    ),
    "origin_of_key": Rule(
        "The key is limited to other origins, or the call named no origin.",
        "Add the page's origin on the key's page. A backend needs a key without origins: limit its networks instead.",
    ),
    "origin_of_app": Rule(
        "The App refuses other origins than its own, or the call named no origin.",
        'Add the origin to the App\'s allowed origins, or turn off "refuses other origins".',
    ),
    "network_of_key": Rule(
        "The key is limited to networks in which the client's address is not.",
        "Add the address on the key's page. If it is that of your proxy, name the proxy in TRUSTED_PROXIES.",
    ),
    "network_of_app": Rule(
        "The App is limited to networks in which the client's address is not.",
        "Add the address on the App's page. If it is that of your proxy, name the proxy in TRUSTED_PROXIES.",
    ),
    # Apps and sessions
    "app_unknown": Rule(
        "There is no active App with this name.",
        "Check the name that the caller asks for, and whether the App is active.",
    ),
    "app_not_in_scope": Rule("The key does not open this App.", "Add the App to the key's Apps, on the key's page."),
    "session_of_another_app": Rule(
        "The session belongs to another App, which the key does not open or which is not the one asked for.",
        "Have the caller start a new session for this App, or add the session's App to the key.",
    ),
    "session_unknown": Rule(
        "There is no session with this id. It may have been deleted, or pruned by its App's retention.",
        "Have the caller begin a new session; look at the App's retention if sessions end too soon.",
    ),
    "model_unknown": Rule(
        "The App has no model with this name.",
        "Check the name after the colon, or add the model to the App's.",
    ),
    "object_unknown": Rule(
        "There is no response, conversation or item with this id. It may have been deleted, or pruned by its App's "
        "retention.",
        "Have the caller begin a new conversation; look at the App's retention if sessions end too soon.",
    ),
    "not_found": Rule("The session was deleted while the call ran.", "Have the caller begin a new session."),
    "session_busy": Rule("A turn was running in the session, and a session takes one at a time.", _WAIT),
    "not_waiting": Rule(
        "No question of this session waited for this answer: it was answered, or it expired.",
        "Raise CONFIRMATION_SECONDS if users need longer to answer.",
    ),
    "idempotency_mismatch": Rule(
        "The Idempotency-Key was used in this session for another message or App.",
        "Have the caller make a new Idempotency-Key for each message.",
    ),
    "release_unusable": Rule(
        "The App's release cannot be run, for example because a tool was removed since.",
        "Publish the App again, or roll back to an earlier release.",
    ),
    # Bodies
    "message_too_large": Rule(
        "The message is longer than MESSAGE_MAX_CHARS.", "Raise MESSAGE_MAX_CHARS, or shorten it."
    ),
    "body_too_large": Rule("The body is longer than API_BODY_MAX_BYTES.", "Raise API_BODY_MAX_BYTES, or shorten it."),
    "unsupported_media_type": Rule(
        "The body is neither JSON nor a form, or it is compressed.",
        "Have the caller send application/json without a Content-Encoding.",
    ),
    # Limits; keys/refusals/limits.py writes in place of {whose} whose limit it is
    "requests_per_minute": Rule(
        "Too many calls that start a turn or create a session within a minute.",
        "Raise the limit {whose}, or have the caller send fewer calls. Without a key: "
        "KEYLESS_REQUESTS_PER_MINUTE and KEYLESS_BURST, and TRUSTED_PROXIES if the address is your proxy's.",
    ),
    "concurrent_turns": Rule(
        "Too many turns ran at the same time.",
        "Raise the limit {whose}. Without a key: KEYLESS_CONCURRENT_TURNS.",
    ),
    "tokens_per_day": Rule("The tokens of the day (UTC) are used up or reserved.", _BUDGET),
    "tokens_per_month": Rule("The tokens of the month (UTC) are used up or reserved.", _BUDGET),
    "money_per_day": Rule("The money of the day (UTC) is used up or reserved.", _BUDGET),
    "money_per_month": Rule("The money of the month (UTC) is used up or reserved.", _BUDGET),
    "money_without_price": Rule(
        "There is a limit of money, and a model that may answer has no price.",
        "Give the App's models prices, or replace the limit with a limit of tokens.",
    ),
    "fuse_pulled": Rule(
        "An operator has pulled the fuse of callers without a key.",
        "Reset the fuse: Keys, Fuse, Reset the fuse; or `manage.py fuse reset`.",
    ),
    # Load
    "streams_of_worker": Rule(
        "The worker has as many event streams open as its open files allow.",
        "Raise the limit on open files (ulimit -Hn), or start more workers.",
    ),
    "streams_of_address": Rule(
        "This address has as many event streams open, without a key or with browser tokens, as one address may on one "
        "worker.",
        "If the address is that of your proxy, name it in TRUSTED_PROXIES. If many people share it, raise "
        "STREAMS_PER_ADDRESS.",
    ),
    "streams_without_key": Rule(
        "Callers without a key have three quarters of the worker's event streams open; the rest is for keys.",
        "Raise the limit on open files (ulimit -Hn), or start more workers. If you do not know these callers, lower "
        "STREAMS_PER_ADDRESS.",
    ),
    "streams_of_key": Rule(
        "This key has as many event streams open as one key may on one worker.",
        "Raise STREAMS_PER_KEY, or issue several keys.",
    ),
    "calls_of_address": Rule(
        "This address made more calls, without a key or with browser tokens, than one worker takes from one address.",
        "If the address is that of your proxy, name it in TRUSTED_PROXIES. If many people share it, raise "
        "CALLS_PER_SECOND_PER_ADDRESS.",
    ),
    "calls_of_key": Rule(
        "This key made more calls than one worker takes with one key.",
        "Raise CALLS_PER_SECOND_PER_KEY, or have the caller poll less often.",
    ),
    "new_sessions_of_address": Rule(
        "This address began as many sessions without a key as one address may in a day (UTC).",
        "If the address is that of your proxy, name it in TRUSTED_PROXIES. If many people share it, raise "
        "KEYLESS_SESSIONS_PER_DAY.",
    ),
    "stored_bytes_of_address": Rule(
        "This address stored as much in notices to /api/system without a key as one address may in a day (UTC).",
        "If the address is that of your proxy, name it in TRUSTED_PROXIES. Otherwise raise "
        "KEYLESS_STORED_BYTES_PER_DAY, or give the caller a key.",
    ),
    "overloaded": Rule("The server was busy.", _WAIT),
    "database_away": Rule(
        "PostgreSQL could not be reached, was read-only, or was full.",
        "See the server's log and /readyz; the caller repeats the call.",
    ),
}
_UNKNOWN = Rule("No explanation is known for this rule.", "See its facts, and the server's log by the request id.")


def rule_named(word: str) -> Rule:
    """Return the rule with this word; a general one if the row is from another version of the server."""
    return RULES.get(word, _UNKNOWN)
