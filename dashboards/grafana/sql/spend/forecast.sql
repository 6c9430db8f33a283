-- The day's spend so far and, at the pace of the last three hours, at its end.
WITH toStartOfDay($__toTime) AS day, toUnixTimestamp($__toTime) - toUnixTimestamp(day) AS passed
SELECT
    toFloat64(sumIf(cost_usd, hour >= day)) AS today,
    today + toFloat64(sumIf(cost_usd, hour > $__toTime - INTERVAL 3 HOUR)) / 3 * (86400 - passed) / 3600 AS at_its_end,
    toFloat64(sumIf(cost_usd, hour >= day - INTERVAL 1 DAY AND hour < day)) AS yesterday
FROM activity_hours FINAL
WHERE hour >= $__toTime - INTERVAL 2 DAY AND hour <= $__toTime AND {{whose}}
