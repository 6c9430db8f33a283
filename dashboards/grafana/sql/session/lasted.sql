SELECT sum(dateDiff('millisecond', started_at, last_event_at)) / 1e3 AS lasted FROM {{now}} HAVING count() > 0
