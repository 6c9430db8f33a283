"""The grants that stand on `agent.grants`, as the rules on delegations look them up.

Whoever hosts the rules fills the book from the compacted topic, first record to last, and goes on as long as it runs.
What is asked of it is asked for a moment: a grant that is revoked was good before. A book that lacks a grant at one
time and has it later gives another answer; findings that rest on what was missing are taken back when the tree is
looked at again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from watchkeeper.schemas.errors import RejectedError
from watchkeeper.schemas.grants import MIN_KEY_BYTES, Grant, is_signed, read_grant
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.detection.constraints import Reduced, reduced
from watchkeeper.stream_processors.detection.subject_keys import UNKEYED, SubjectKeys

MAX_GRANTS = 200_000
"""Held at once, about 1 KiB each; beyond it the oldest are forgotten, and `forgotten` says how many."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A grant of the book.

    Attributes:
        is_signed: whether its signature holds; None where the book has no key to tell.
        constraints: reduced; None where they could not be.
    """

    grant: Grant
    is_signed: bool | None
    constraints: dict[str, Reduced] | None

    @property
    def revoked_us(self) -> int | None:
        """Since when it holds no more."""
        return None if self.grant.revoked_at is None else to_us(self.grant.revoked_at)

    @property
    def expires_us(self) -> int | None:
        """Until when it holds."""
        return None if self.grant.expires_at is None else to_us(self.grant.expires_at)


class GrantBook:
    """Grants by tenant and name.

    Args:
        key: what grants are signed with; without one signatures are not looked at.
        subject_keys: names what constraints hold; the same as stage 1 has.
        capacity: grants held at once.
    """

    def __init__(self, key: bytes = b"", *, subject_keys: SubjectKeys = UNKEYED, capacity: int = MAX_GRANTS) -> None:
        self._key = key
        self._subject_keys = subject_keys
        self._capacity = capacity
        self._grants: OrderedDict[bytes, Registered] = OrderedDict()
        self.forgotten = 0

    @property
    def verifies(self) -> bool:
        """Whether the book can tell a signature that holds from one that does not."""
        return len(self._key) >= MIN_KEY_BYTES

    def __len__(self) -> int:
        return len(self._grants)

    def clear(self) -> None:
        """Forgets all: the topic is read anew."""
        self._grants.clear()

    def take(self, key: bytes | None, value: bytes | None) -> Registered | None:
        """Takes a record of the topic in.

        Returns:
            What the book holds now; None where the record forgets a grant.

        Raises:
            RejectedError: the record is no grant, or may not take the place of the one that the book holds.
        """
        if value is None:
            self._grants.pop(key or b"", None)
            return None
        return self.add(read_grant(key, value))

    def add(self, grant: Grant) -> Registered:
        """Takes a grant in, in the place of an earlier one of its name.

        Raises:
            RejectedError: the earlier one's signature holds, and this one's does not. Such a one gives way to no
                other: else anybody could take back its revocation.
        """
        signed = is_signed(grant, self._key) if self.verifies else None
        known = self._grants.get(grant.key)
        if signed is False and known is not None and known.is_signed:
            raise RejectedError(
                "invalid_field",
                "signature: it does not hold, and that of the grant whose place this record takes does: sign it with "
                "the key of that grant",
            )

        def name(value: object) -> str:
            return self._subject_keys.name(grant.tenant_id, "constraint", value)

        held = self._grants[grant.key] = Registered(grant, signed, reduced(grant.constraints, name))
        self._grants.move_to_end(grant.key)
        if len(self._grants) > self._capacity:
            self._grants.popitem(last=False)
            self.forgotten += 1
        return held

    def get(self, tenant_id: str, grant_id: str) -> Registered | None:
        """The grant of that name."""
        return self._grants.get(f"{tenant_id}/{grant_id}".encode()) if grant_id else None
