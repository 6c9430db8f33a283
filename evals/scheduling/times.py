"""When something is due, by cron expressions in a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from watchkeeper.schemas.errors import ConfigurationError

MOST_MISSED = 1000
"""Missed times are counted so far."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression of five fields, read in a time zone as Debian's cron reads it, changes of the clock included.

    Raises:
        ConfigurationError: it is no expression, never comes, or the zone does not exist.
    """

    cron: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuses what never comes."""
        if len(self.cron.split()) != 5:
            raise ConfigurationError(f"{self.cron!r} is no schedule: write five fields, as in '0 3 * * *' for 03:00")
        try:
            first = next(self._from(datetime(2024, 1, 1, tzinfo=UTC)), None)
        except CronSimError as error:
            raise ConfigurationError(
                f"{self.cron!r} is no schedule ({str(error).lower()}): write minute, hour, day, month and weekday, as "
                "in '0 3 * * *' for 03:00 every day"
            ) from error
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigurationError(f"there is no time zone {self.zone!r}: write one as Europe/Berlin") from error
        if first is None:
            raise ConfigurationError(f"the schedule {self.cron!r} never comes: there is no such day")

    def next_after(self, moment: datetime) -> datetime:
        """The first time after a moment, in UTC."""
        return next(self._from(moment))

    def last_until(self, moment: datetime) -> datetime:
        """The last time that is not after a moment, in UTC."""
        # Backwards begins before the moment, and the moment itself may be one.
        back = next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.zone)), reverse=True)).astimezone(UTC)
        ahead = self.next_after(back)
        return ahead if ahead <= moment else back

    def missed(self, after: datetime, until: datetime) -> int:
        """How many times lie after `after` and before `until`, up to `MOST_MISSED`."""
        count = 0
        for due in islice(self._from(after), MOST_MISSED):
            if due >= until:
                break
            count += 1
        return count

    def _from(self, moment: datetime) -> Iterator[datetime]:
        for due in CronSim(self.cron, moment.astimezone(ZoneInfo(self.zone))):
            # In the hour that comes twice a time of the day is the first of its two: it may be over.
            if due.astimezone(UTC) > moment:
                yield due.astimezone(UTC)
