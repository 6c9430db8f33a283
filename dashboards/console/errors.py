"""What the console answers with, where it cannot show what was asked for."""

from __future__ import annotations

from watchkeeper.schemas.errors import WatchkeeperError


class NotThereError(WatchkeeperError):
    """What the address names does not exist; the message names what is near."""


class AskedWrongError(WatchkeeperError):
    """A filter or a field of a form cannot be read; the message names it and what it may be."""


class ForgedError(WatchkeeperError):
    """A form was not sent from one of the console's own pages."""


class UnforeseenError(WatchkeeperError):
    """Something failed that nobody foresaw; the console's log says where."""
