"""What lets somebody in: the token of the address, and what is made of it for cookies and forms."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchkeeper.schemas.errors import ConfigurationError

LEAST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """The token, and what is made of it: neither cookie nor form gives the token away.

    Attributes:
        token: stands in the address once; at least `LEAST_CHARACTERS` long.

    Raises:
        ConfigurationError: the token is too short to keep anybody out.
    """

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.token) < LEAST_CHARACTERS:
            raise ConfigurationError(f"the console's token has fewer than {LEAST_CHARACTERS} characters: give a longer")

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return self._made("cookie")

    @property
    def form(self) -> str:
        """What stands in every form: pages of other sites cannot read it."""
        return self._made("form")

    def opens(self, token: str) -> bool:
        """Whether this is the token, in a time that does not depend on where it differs."""
        return hmac.compare_digest(self.token.encode(), token.encode())

    def knows(self, cookie: str) -> bool:
        """Whether the cookie was given by this console."""
        return hmac.compare_digest(self.cookie.encode(), cookie.encode())

    def sealed(self, seal: str) -> bool:
        """Whether a form came from a page of this console."""
        return hmac.compare_digest(self.form.encode(), seal.encode())

    def _made(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), f"watchkeeper console {purpose}".encode(), hashlib.sha256).hexdigest()


def load_keys(file: Path) -> Keys:
    """The keys of the token in a file, which is made where it is missing, readable for its owner alone.

    Raises:
        ConfigurationError: the file cannot be made or read; the message names it.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return Keys(file.read_text().strip())
        with os.fdopen(handle, "w") as opened:
            opened.write(token := secrets.token_urlsafe(24))
        return Keys(token)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be used ({error}): the console keeps its token there") from error
