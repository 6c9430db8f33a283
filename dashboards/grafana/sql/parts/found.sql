-- What was found: as `activity`.
(
    SELECT minute AS at, * EXCEPT (minute) FROM finding_minutes FINAL
    WHERE $__interval_s < 600 AND $__timeFilter(minute) AND {{whose}}
    UNION ALL
    SELECT hour AS at, * EXCEPT (hour) FROM finding_hours FINAL
    WHERE $__interval_s >= 600 AND $__timeFilter(hour) AND {{whose}}
)
