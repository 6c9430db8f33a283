"""What commands are in force, and for whom. Pure: time is handed in.

A command addresses a session, an agent or a tenant. A session also obeys what addresses a session above it in the
delegation tree: who stops the whole stops its parts. `resume` lifts every earlier command for the same target,
`terminate` included (or, with a tool's name, only that tool's open circuit): a session that has ended stays ended,
but new ones may run again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, TypeAlias

from watchkeeper.schemas.control import Action, Control
from watchkeeper.schemas.model import to_us

Scope: TypeAlias = tuple[str, str]
"""A target's kind and id."""

MAX_SEEN: Final = 10_000


WORKER: Final = "worker"
"""Who issues commands on behalf of a finding; every other name is an operator's."""

Slot: TypeAlias = tuple[Action, str, bool]
"""What replaces what for one target: the action, its tool, and whether a worker issued it.

A worker's command never takes the place of an operator's: where the policy lets the worker's go, the operator's must
still hold.
"""


class OrderBoard:
    """Commands in force for one tenant. Safe to use from any thread.

    Attributes:
        version: grows with every command that changed something; a reader that saw this version need not look again
            unless something was in force that may have expired.
    """

    def __init__(self, tenant_id: str) -> None:
        self.version = 0
        self._tenant_id = tenant_id
        self._lock = threading.RLock()
        self._orders: dict[Scope, dict[Slot, Control]] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()

    def apply(self, command: Control, now_us: int) -> bool:
        """Takes a command in. False where it is another tenant's, expired, or was taken in before."""
        with self._lock:
            if command.tenant_id != self._tenant_id or to_us(command.expires_at) <= now_us or self._known(command):
                return False
            self._prune(now_us)
            scope = (command.target.kind, command.target.id)
            orders = self._orders.setdefault(scope, {})
            if command.action == "resume":
                self._lift(orders, command)
            else:
                tool = command.tool_name if command.action == "circuit_open" else ""
                orders[command.action, tool, command.issued_by == WORKER] = command
            self.version += 1
            return True

    def in_force(self, scopes: Iterable[Scope], now_us: int) -> tuple[Control, ...]:
        """The commands in force for a session that belongs to these scopes, in the order of the scopes."""
        with self._lock:
            found = [order for scope in scopes for order in self._orders.get(scope, {}).values()]
        return tuple(order for order in found if to_us(order.expires_at) > now_us)

    @staticmethod
    def _lift(orders: dict[Slot, Control], command: Control) -> None:
        for key, order in list(orders.items()):
            if order.issued_at <= command.issued_at and command.tool_name in {"", key[1]}:
                del orders[key]

    def _known(self, command: Control) -> bool:
        if command.command_id in self._seen:
            return True
        self._seen[command.command_id] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _prune(self, now_us: int) -> None:
        for scope, orders in list(self._orders.items()):
            kept = {key: order for key, order in orders.items() if to_us(order.expires_at) > now_us}
            if kept:
                self._orders[scope] = kept
            else:
                del self._orders[scope]
