"""What each word means that the relay says no with, and what to do about it."""

from typing import Final, NamedTuple


class Remedy(NamedTuple):
    """For a person."""

    means: str
    do: str
    is_normal: bool = False
    """Nothing is wrong, most of the time."""


_OF_THE_PAGE: Final = "Look at the page's snippet tag: `personalize-relay snippet` prints the right one"
_OF_THE_VALUE: Final = "Look at where the page or the backend takes the value from"

REMEDIES: Final[dict[str, Remedy]] = {
    # A whole beacon or call.
    "origin": Remedy(
        "The page is of an origin that is not allowed, so all it sent was refused.",
        "If the page is yours, add its exact origin (scheme, host, port) to RELAY_ALLOWED_ORIGINS and restart.",
    ),
    "token_missing": Remedy("There is no site token in the beacon.", f"Set data-token. {_OF_THE_PAGE}."),
    "token_malformed": Remedy("What stands where the site token belongs is no token.", f"{_OF_THE_PAGE}."),
    "token_forged": Remedy(
        "The token is signed with a key this relay does not have, or is of another kind.",
        "Compare RELAY_SECRET_KEYS of relay and backend; `personalize-relay token inspect` looks at a token.",
    ),
    "token_bad_payload": Remedy("The token is signed, but says nothing that is known.", f"{_OF_THE_PAGE}."),
    "token_expired": Remedy("The server token has ended.", "Mint a new one: `personalize-relay token server`."),
    "token_from_future": Remedy(
        "The token was made in the future, by this relay's clock.", "Set the clocks (NTP); see RELAY_TOKEN_LEEWAY_S."
    ),
    "token_revoked": Remedy(
        "The token is older than RELAY_SITE_TOKENS_NOT_BEFORE or RELAY_SERVER_TOKENS_NOT_BEFORE allows.",
        f"Mint a new one. {_OF_THE_PAGE}.",
    ),
    "token_unknown_site": Remedy(
        "The token is for a site this relay does not serve.", "Compare RELAY_SITE and [sites.NAME] with the token."
    ),
    "scope": Remedy("The server token does not allow this call.", "Mint one with the scope that the answer names."),
    "erased": Remedy(
        "The user was erased: what waited is gone, and what comes is refused since.",
        "Nothing; `POST /api/v1/allow` lifts it.",
        True,
    ),
    "not_utf8": Remedy("The body is not UTF-8.", "Look at who sends: the snippet always sends UTF-8."),
    "not_json": Remedy("The body is not JSON.", "Look at who sends: the snippet never does this."),
    "bad_version": Remedy("`v` is not 1.", "Look at who sends; the snippet sends `v` 1."),
    "bad_session_id": Remedy(
        "The session id is too short, has characters it may not have, or is a variable without a value.",
        "Let the snippet make it, or give 16 to 256 of A-Z a-z 0-9 . _ ~ -.",
    ),
    "too_many_events": Remedy("More than 500 events in one beacon.", "Send several."),
    "bad_content_type": Remedy("Neither text/plain nor application/json.", "Look at who sends."),
    "bad_charset": Remedy("The body is announced as something else than UTF-8.", "Look at who sends."),
    "bad_encoding": Remedy("The body is compressed.", "Send it as it is."),
    "bad_length": Remedy("The length that was announced is no number.", "Look at who sends."),
    "too_slow": Remedy("The body did not come in time.", "Nothing, if rare: a slow network.", True),
    "method_not_allowed": Remedy("Not a POST.", "Nothing, if rare: somebody opened the address.", True),
    "not_through_proxy": Remedy(
        "The request lacks the secret header of RELAY_PROXY_SECRET, so it did not come through the CDN.",
        "If it did, make the CDN add the header; pages try again meanwhile.",
    ),
    "too_many": Remedy(
        "An address, a session or a site sent more than RELAY_RATE_LIMIT_IP, _SESSION or _SITE allow.",
        "If these are people, raise the limit; behind a CDN first set RELAY_CLIENT_IP_HEADER. Pages try again.",
    ),
    "busy": Remedy("More beacons at once than are taken.", "Add a relay, or a faster disk. Pages try again."),
    "draining": Remedy("The relay was being stopped.", "Nothing: pages try again.", True),
    "spool_full": Remedy(
        "The spool holds RELAY_SPOOL_MAX_BYTES.", "See why delivery does not get through, or give it more room."
    ),
    "spool_unwritable": Remedy("The disk of the spool refuses.", "Look at the disk; /readyz and the log say more."),
    "key_unread": Remedy("The key of a JWT could not be read yet.", "Look at RELAY_JWT_JWKS. Pages try again."),
    "internal": Remedy("The relay failed.", "Please report it with the traceback in the log."),
    "unknown_snippet": Remedy(
        "A page asks for a snippet by a hash that was never installed here.",
        "`personalize-relay snippet --pin` prints the tag of the snippet that is.",
    ),
    # Beacons that were answered and thrown away.
    "gpc": Remedy(
        "Consent refused: the visitor's browser sends Global Privacy Control, and RELAY_GPC is `off`. "
        "Nothing of it was kept.",
        'Nothing: it is the visitor\'s choice. Pages with data-consent="required" send nothing at all before consent.',
        True,
    ),
    "headless": Remedy("A browser without a screen.", "Your own tests? RELAY_BOTS=mark or RELAY_DEV=1.", True),
    "preview": Remedy("Looked at a link that somebody posted.", "Nothing; see RELAY_BOTS.", True),
    "prefetch": Remedy("Fetched a page before anybody asked.", "Nothing; see RELAY_BOTS.", True),
    "crawler": Remedy("A search engine, a model or an audit.", "Nothing; see RELAY_BOTS.", True),
    # Events and fields.
    "missing_field": Remedy("A field that must be there is not.", f"Set it. {_OF_THE_VALUE}."),
    "empty": Remedy("Nothing is in it, or what a variable without a value becomes.", f"{_OF_THE_VALUE}."),
    "too_long": Remedy("A text is longer than Amazon Personalize takes.", "Shorten it."),
    "bad_type": Remedy("A field is of another kind than it must be.", f"{_OF_THE_VALUE}."),
    "bad_number": Remedy("A number is none, not finite, or out of range.", f"{_OF_THE_VALUE}: 19.90, not 19,90 €."),
    "bad_unicode": Remedy("A text holds half a character, NUL, or what cannot be sent.", f"{_OF_THE_VALUE}."),
    "reserved_key": Remedy("A property has a name Amazon Personalize keeps for itself.", "Rename the property."),
    "too_many_items": Remedy("More entries than Amazon Personalize takes; an impression has 25.", "Send fewer.", True),
    "bad_time": Remedy(
        "A day or more ahead, or older than RELAY_MAX_EVENT_AGE_S: too old for training.",
        "Look at the clock of who sends, and at the unit: a beacon's times are milliseconds.",
    ),
    "too_large": Remedy("Larger than the relay or Amazon Personalize takes.", "Send less in one."),
    "unknown_event_type": Remedy(
        "RELAY_EVENT_TYPES, or the site's event_types, does not name this type.", "Add it there, or stop sending it."
    ),
    "duplicate": Remedy("The session sent this event id already.", "Nothing: normal after a lost answer.", True),
    "denied": Remedy("RELAY_PROPERTIES_ALLOW or _DENY keeps a property out.", "Nothing, if that is wanted.", True),
    "unknown_field": Remedy("A field that nobody knows; it was ignored.", "Look for a typing error in its name."),
    # Identity tokens.
    "expired": Remedy(
        "An identity token has expired; the events were taken, as of whoever the session was bound to before.",
        "Let the page fetch a fresh token (data-identity-url), or mint them with a longer life.",
    ),
    "invalid": Remedy(
        "An identity token is forged, of another key, none, or of an erased user; the events were taken without.",
        "Compare the keys of relay and backend; `personalize-relay token inspect` looks at a token.",
    ),
    "mismatch": Remedy(
        "An identity token is for another session; the events were taken without a user.",
        "Mint it for the session the page has (relay('session', ...)), or for none.",
    ),
    "conflict": Remedy(
        "The session belongs to another user; the events went out under a session of their own.",
        "Nothing, if people share a device; else call relay('user', null) at logout.",
        True,
    ),
    # Calls.
    "throttled": Remedy(
        "Amazon Personalize asked to slow down; the relay sends slower, and loses nothing.",
        "Ask AWS for a higher quota, or set RELAY_PUT_EVENTS_PER_S to the one you have.",
    ),
    "unreachable": Remedy(
        "No verdict came on these events; they wait in the spool and are tried again.",
        "Look at the code: network and service come and go, credentials and tracker need a person.",
    ),
    "refused": Remedy(
        "Amazon Personalize will never take an event of this call; the relay finds which, and buries it.",
        "Look at what is buried, and at the service's message.",
    ),
    # What keeps calls from being made.
    "credentials": Remedy(
        "AWS does not take the relay's credentials: there are none, they have ended, or do not allow PutEvents.",
        "`personalize-relay check` says which are used; docs/aws.md has the policy. Nothing is lost meanwhile.",
    ),
    "target": Remedy(
        "There is no such event tracker or dataset in this region and account, or it takes nothing.",
        "Compare RELAY_TRACKING_ID and AWS_REGION with `personalize-relay tracker list`. Nothing is lost meanwhile.",
    ),
    "network": Remedy(
        "The service cannot be reached from here.",
        "Look at names, routes and proxies of this machine: `personalize-relay check` tries it. Nothing is lost.",
    ),
    "service": Remedy(
        "Amazon Personalize fails by itself.", "Wait: the relay goes on by itself, and nothing is lost.", True
    ),
    # What is counted.
    "beacon": Remedy(
        "One request of a page with what was seen and clicked. The number behind the word is the page's own count of"
        " its session's beacons (`seq`); a gap in it is a loss.",
        "Nothing; /losses adds the gaps up.",
        True,
    ),
    "event": Remedy(
        "One thing a visitor did: a type, an item, a time. How many of its list were seen stands behind it.",
        "Nothing.",
        True,
    ),
    "call": Remedy(
        "One request to Amazon Personalize, with up to ten events of one session. Each try counts.", "Nothing.", True
    ),
    "status": Remedy(
        "The HTTP status of the answer, for a whole beacon; for each event and field what became of it.",
        "Follow the word behind it.",
        True,
    ),
    "times": Remedy(
        "How often this cause was met: beacons for a whole beacon, events, fields or server calls for those.",
        "The row says what to do; a count that no longer grows is over.",
        True,
    ),
    "given_up": Remedy(
        "Events a page could not keep or send, as it says itself with its next beacon.", "Follow the cause.", True
    ),
    "remembered": Remedy(
        "Beacons and calls in this relay's memory: the last 20,000, 32 MB and 60 minutes at most, gone with a restart.",
        "For what is older, set RELAY_ARCHIVE_BYTES and ask for the session.",
        True,
    ),
    "sampled": Remedy(
        "Above 200 events a second only those of an eighth of the sessions are remembered, above 1,600 none more. The "
        "counts on all other pages are of everything.",
        "Nothing: ask for a session while less goes on, or set RELAY_ARCHIVE_BYTES.",
        True,
    ),
    "spool_bytes": Remedy(
        "What the spool takes on disk: events that wait, those that are buried, and who sessions belong to.",
        "Past RELAY_SPOOL_MAX_BYTES beacons are answered 503; see why delivery does not get through.",
        True,
    ),
    "relays": Remedy(
        "Relays that share this spool count together; what one of them remembers of single beacons, only it shows.",
        "Ask each relay's own admin listener for its time line.",
        True,
    ),
    "archived": Remedy(
        "Delivered, and kept in the archive while RELAY_ARCHIVE_BYTES has room.",
        "None? RELAY_ARCHIVE_BYTES is 0, or the oldest made room.",
        True,
    ),
    "click_through": Remedy(
        "Clicks on the list for each item of it that was seen.",
        "Compare lists with each other; over 100 % items are clicked several times, or impressions are missing.",
        True,
    ),
    "accepted": Remedy("On disk here, and answered with 202.", "Nothing.", True),
    "pending": Remedy(
        "Accepted, and not yet delivered.",
        "Nothing, while the oldest waits for seconds only; else see the problems and the calls.",
        True,
    ),
    # What came of lists.
    "seen": Remedy(
        "Items of the list that a session saw, as delivered events said: each item once a session.",
        "None? The list needs data-relay-list, its items data-relay-item.",
        True,
    ),
    "clicked": Remedy(
        "Delivered Click events that named the list.",
        "None? The list needs data-relay-source or data-relay-recommendation-id.",
        True,
    ),
    "carts": Remedy(
        "Delivered AddToCart events that named the list: the item had been clicked there.", "Nothing.", True
    ),
    "purchases": Remedy(
        "Delivered Purchase events that named the list: the item had been clicked there.", "Nothing.", True
    ),
    "delivered": Remedy("Amazon Personalize took it, and said so with a request id.", "Nothing.", True),
    "buried": Remedy(
        "Amazon Personalize refused the event; it is kept, and no longer tried.",
        "Read the message, repair what is wrong (the schema, say), then replay; or discard.",
    ),
    # What pages gave up.
    "outbox_full": Remedy("The page could not send for long: its outbox was full.", "See whether beacons arrive."),
    "refused_by_relay": Remedy("The relay refused the page's beacon for good.", "See the refusals."),
    "other": Remedy("A reason the snippet does not have.", "Nothing, if rare.", True),
    "missing": Remedy(
        "Beacons whose numbers were skipped and have not come since: sent and lost on the way, or still to come.",
        "Ad blockers, closed tabs and dead networks cost some. Is one browser far above the others? Look there.",
    ),
    "late": Remedy("Came after one with a higher number; it had been counted as missing.", "Nothing.", True),
    "repeated": Remedy("Came twice: the answer to the first was lost. Its events were taken once.", "Nothing.", True),
    "arrived": Remedy("Came.", "Nothing.", True),
    "no_item": Remedy(
        "Events without an item: Amazon Personalize takes them, and learns nothing from them.",
        "Set data-relay-item or itemId.",
    ),
}

UNKNOWN: Final = Remedy("A word this page has no explanation for.", "Please report it.")


def remedy_of(reason: str) -> Remedy:
    """What a word means; never fails."""
    return REMEDIES.get(reason, UNKNOWN)
