"""Values that must not leave, made anew by chance: secrets in the forms of their makers, and numbers with checksums."""

from __future__ import annotations

import base64
import string
import uuid
from collections.abc import Callable
from random import Random
from typing import Final

import orjson

_ALNUM: Final = string.ascii_letters + string.digits


def _text(rng: Random, letters: str, length: int) -> str:
    return "".join(rng.choices(letters, k=length))


def _aws(rng: Random) -> str:
    return f"AKIA{_text(rng, string.ascii_uppercase + '234567', 16)}"


def _github(rng: Random) -> str:
    return f"ghp_{_text(rng, _ALNUM, 36)}"


def _slack(rng: Random) -> str:
    return f"xoxb-{rng.randrange(10**11, 10**12)}-{rng.randrange(10**12, 10**13)}-{_text(rng, _ALNUM, 24)}"


def _stripe(rng: Random) -> str:
    return f"sk_live_{_text(rng, _ALNUM, 24)}"


def _openai(rng: Random) -> str:
    return f"sk-proj-{_text(rng, _ALNUM, 48)}"


def _google(rng: Random) -> str:
    return f"AIza{_text(rng, _ALNUM + '-_', 35)}"


def _url(rng: Random) -> str:
    return f"postgres://reports:{_text(rng, _ALNUM, 14)}@db{rng.randrange(90)}.internal.example:5432/sales"


def _jwt(rng: Random) -> str:
    parts = (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": f"u{rng.randrange(10**6)}", "exp": rng.randrange(10**9, 2 * 10**9)},
    )
    head, body = (base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.{_text(rng, _ALNUM + '-_', 43)}"


def _password(rng: Random) -> str:
    return f"password={_text(rng, string.ascii_lowercase, 6)}{rng.randrange(10, 99)}{_text(rng, _ALNUM, 5)}"


SECRETS: Final[tuple[Callable[[Random], str], ...]] = (
    _aws,
    _github,
    _slack,
    _stripe,
    _openai,
    _google,
    _url,
    _jwt,
    _password,
)


def secret(rng: Random) -> str:
    """A key, a token or a password."""
    return rng.choice(SECRETS)(rng)


def card(rng: Random) -> str:
    """A payment card's number, plain or in groups."""
    digits = rng.choice(("4", "51", "55")) + _text(rng, string.digits, 15)
    digits = digits[:15]
    digits += str(-_luhn(digits) % 10)
    return rng.choice((digits, " ".join(digits[at : at + 4] for at in range(0, 16, 4))))


def no_secrets(rng: Random) -> list[str]:
    """What looks like a secret or a number of a person, and is none."""
    while _luhn(digits := f"{rng.randrange(10**15, 10**16)}") % 10 == 0:
        pass
    return [
        f"order {digits}",
        f"commit {rng.getrandbits(160):040x}",
        f"id {uuid.UUID(int=rng.getrandbits(128), version=4)}",
        f"pk_live_{rng.getrandbits(96):024x}",
        f"ISBN 978-{rng.randrange(10)}-{rng.randrange(10**4):04}-{rng.randrange(10**4):04}-{rng.randrange(10)}",
        f"part 123-45-{rng.randrange(100):02}",
        f"sha256:{rng.getrandbits(256):064x}",
    ]


def _luhn(digits: str) -> int:
    """The sum of which Luhn's check digit is made, with every second digit doubled from the first one on."""
    return sum(sum(divmod(int(digit) * 2, 10)) for digit in digits[::2]) + sum(map(int, digits[1::2]))


def iban(rng: Random) -> str:
    """A bank account's number of Germany or Austria."""
    country, length = rng.choice((("DE", 18), ("AT", 16)))
    account = _text(rng, string.digits, length)
    spelled = int(account + "".join(str(ord(letter) - 55) for letter in country) + "00")
    whole = f"{country}{98 - spelled % 97:02}{account}"
    return rng.choice((whole, " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))))


def ssn(rng: Random) -> str:
    """A social security number as the United States could issue it."""
    area = rng.choice((rng.randrange(100, 666), rng.randrange(667, 900)))
    return f"{area}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"


NUMBERS: Final[dict[str, Callable[[Random], str]]] = {"card": card, "iban": iban, "ssn": ssn}
"""Numbers of persons, by the kind that masking calls them."""
