-- What agents did: of minutes where points stand close, else of hours. The branch that is not meant reads nothing.
(
    SELECT minute AS at, * EXCEPT (minute) FROM activity_minutes FINAL
    WHERE $__interval_s < 600 AND $__timeFilter(minute) AND {{whose}}
    UNION ALL
    SELECT hour AS at, * EXCEPT (hour) FROM activity_hours FINAL
    WHERE $__interval_s >= 600 AND $__timeFilter(hour) AND {{whose}}
)
