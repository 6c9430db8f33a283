"""A POST of JSON to an address of the user's own, signed; docs/alerts.md tells how a receiver checks it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import orjson

from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.message import VERSION, Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.signing import HEADER, sign


class Webhook:
    """See the module.

    Args:
        poster: where to.
        key: signs each request; empty for none.
        headers: further ones.
        clock: seconds since 1970.
    """

    def __init__(
        self, poster: Poster, key: str, headers: Mapping[str, str], clock: Callable[[], float] = time.time
    ) -> None:
        self._poster, self._key, self._headers, self._clock = poster, key, dict(headers), clock

    def send(self, message: Message) -> Answer:
        """Sends it; see `Answer`."""
        body = orjson.dumps(message.document)
        headers = {
            **self._headers,
            "Watchkeeper-Version": str(VERSION),
            "Watchkeeper-Notice-Id": message.notice_id,
            "Watchkeeper-Attempt": str(message.attempt),
            # The draft of an Idempotency-Key header field: receivers that know it need no code of their own.
            "Idempotency-Key": f'"{message.notice_id}"',
        }
        if self._key:
            headers[HEADER] = sign(self._key, body, int(self._clock()))
        return self._poster.post(body, headers)
