"""What a rule of stage 2 is: a fold over the signals of one subject."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.signals import Signal, SignalKind
from watchkeeper.stream_processors.detection.detector import Found

S = TypeVar("S")


class SubjectRule(ABC, Generic[S]):
    """One rule over one subject's signals; pure, as a `Detector` is.

    Attributes:
        rule_id: stable name of the rule.
        rule_version: grows when the same signals would be judged differently.
        state_version: grows when the shape of the state changes.
        failure_mode: the mode of all that it finds.
        listens: the kinds of signals that it is shown; a signal pays only for those who listen.
        state_type: a flat dataclass of JSON values, all with defaults.
    """

    rule_id: ClassVar[str]
    rule_version: ClassVar[int] = 1
    state_version: ClassVar[int] = 1
    failure_mode: ClassVar[FailureMode]
    listens: ClassVar[frozenset[SignalKind]]
    state_type: type[S]

    @abstractmethod
    def fold(self, state: S, signal: Signal) -> Iterable[Found]:
        """Takes a signal in; may change `state` and nothing else.

        A signal that a tick found (`source_offset` is None) may come twice: the second time must change nothing.
        """

    def hear(self, state: S, finding: Finding, signal: Signal) -> Iterable[Found]:  # noqa: ARG002 - overridden
        """Takes in what another rule found about the same subject at this signal; only rules that override it do."""
        return ()
