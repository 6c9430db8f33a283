"""The statements about dead letters; see `queries`."""

from __future__ import annotations

from typing import Final

DEAD_LETTER_PLACES: Final = """
SELECT source_topic, source_partition, source_offset, source_line, reason, detail, received_at, status, revision
FROM dead_letters FINAL
WHERE received_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({status:String} = '' OR status = {status:String})
ORDER BY received_at DESC, source_topic, source_partition, source_offset DESC, source_line DESC
LIMIT {limit:UInt32}
"""

DEAD_LETTER_COUNTS: Final = """
SELECT reason, countIf(status = 'open') AS open, countIf(status = 'redriven') AS redriven, max(received_at) AS latest
FROM dead_letters FINAL
WHERE received_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({status:String} = '' OR status = {status:String})
GROUP BY reason
ORDER BY open DESC, reason
"""

# By primary key.
DEAD_LETTERS: Final = """
SELECT
    source_topic, source_partition, source_offset, source_line, revision, reason, detail, key_base64, raw_base64,
    received_at, status
FROM dead_letters FINAL
WHERE (source_topic, source_partition, source_offset, source_line)
    IN {places:Array(Tuple(String, UInt16, UInt64, Int32))}
ORDER BY source_topic, source_partition, source_offset, source_line, received_at
"""
