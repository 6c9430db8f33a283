"""Which maskers a session's texts pass: its policy's, those of the sessions it was delegated by, the user's own."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from typing import Final

from watchkeeper.producers.masking.masker import Masked, Masker, PolicyMasker
from watchkeeper.producers.masking.paths import Path
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.masked_paths import wrong_path
from watchkeeper.schemas.policy import Masking

KEY_VARIABLE: Final = "WATCHKEEPER_MASKING_KEY"
"""At least 32 characters. Equal values get equal pseudonyms in all processes that share it; without it, in one."""

MIN_KEY: Final = 32


class Then:
    """One masker after another; the counts add up."""

    def __init__(self, first: Masker, second: Masker) -> None:
        self._first, self._second = first, second

    def __repr__(self) -> str:
        return "Then()"

    def mask(self, text: str, media_type: MediaType) -> Masked:
        """See `Masker.mask`."""
        return self.mask_at(text, media_type, ())

    def mask_at(self, text: str, media_type: MediaType, path: Path) -> Masked:
        """See `PolicyMasker.mask_at`."""
        first = mask_with(self._first, text, media_type, path)
        second = mask_with(self._second, first.text, media_type, path)
        counts = dict(kinds_of(first))
        for kind, places in kinds_of(second).items():
            counts[kind] = counts.get(kind, 0) + places
        return Masked(second.text, first.places + second.places, counts)

    def mask_id(self, value: str, path: Path) -> str:
        """See `PolicyMasker.mask_id`."""
        return id_with(self._second, id_with(self._first, value, path), path)


def kinds_of(masked: Masked) -> dict[str, int]:
    """How many places of each kind; `own` where the masker does not tell."""
    return dict(masked.kinds) or ({"own": masked.places} if masked.places else {})


def mask_with(masker: Masker, text: str, media_type: MediaType, path: Path) -> Masked:
    """By a policy's masker with the path; a masker of the user's own is not told of paths."""
    if isinstance(masker, PolicyMasker | Then):
        return masker.mask_at(text, media_type, path)
    return masker.mask(text, media_type)


def id_with(masker: Masker, value: str, path: Path) -> str:
    """An id of a person as it may leave the process; a masker of the user's own is not asked."""
    return masker.mask_id(value, path) if isinstance(masker, PolicyMasker | Then) else value


class Maskers:
    """Makes the maskers of one `Watchkeeper`, each once."""

    def __init__(self, tenant_id: str, own: Masker | None = None, *, recorded: bool = False) -> None:
        """For a tenant, whose pseudonyms tell nothing of another's.

        Args:
            tenant_id: the tenant.
            own: the user's masker.
            recorded: an import: constants in place of pseudonyms, as the same recording must give the same bytes.

        Raises:
            ConfigurationError: the key is too short.
        """
        self._own = own
        self._recorded = recorded
        self._key = hmac.digest(_process_key(), tenant_id.encode(), "sha256")
        self._made: dict[str, PolicyMasker] = {}

    def of(self, maskings: Sequence[Masking]) -> Masker | None:
        """By each of the sections, and then the user's own; None where nothing masks.

        Raises:
            ConfigurationError: something that a policy asks for is not installed, or a path of it is wrong.
        """
        chain: list[Masker] = [self._by(one) for one in maskings if one.kinds or one.patterns or one.fields]
        if self._own is not None:
            chain.append(self._own)
        if not chain:
            return None
        masker = chain[0]
        for following in chain[1:]:
            masker = Then(masker, following)
        return masker

    def _by(self, masking: Masking) -> PolicyMasker:
        spelled = masking.model_dump_json()
        if spelled not in self._made:
            for path in (*masking.fields, *masking.exempt):
                if wrong := wrong_path(path):
                    raise ConfigurationError(f"masking: {wrong}")
            if self._recorded:
                masking = masking.model_copy(update={"replacement": "constant"})
            self._made[spelled] = PolicyMasker(masking, self._key)
        return self._made[spelled]


_PROCESS_KEY: Final = secrets.token_bytes(32)


def _process_key() -> bytes:
    given = os.environ.get(KEY_VARIABLE, "")
    if given and len(given) < MIN_KEY:
        raise ConfigurationError(
            f"{KEY_VARIABLE} is shorter than {MIN_KEY} characters: make one by openssl rand -hex 32"
        )
    return given.encode() or _PROCESS_KEY
