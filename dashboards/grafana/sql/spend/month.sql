-- The month so far and, if the days that are left go on as the last seven whole days did, at its end.
WITH
    toStartOfMonth($__toTime) AS month,
    toStartOfDay($__toTime) AS day,
    dateDiff('second', $__toTime, toDateTime(addMonths(month, 1), 'UTC')) / 86400 AS days_left
SELECT
    toFloat64(sumIf(cost_usd, hour >= month)) AS so_far,
    toFloat64(sumIf(cost_usd, hour >= day - INTERVAL 7 DAY AND hour < day)) / 7 AS usual_day,
    so_far + usual_day * days_left AS at_its_end,
    toFloat64(sumIf(cost_usd, hour >= addMonths(month, -1) AND hour < month)) AS last_month
FROM activity_hours FINAL
WHERE hour >= addMonths(toStartOfMonth($__toTime), -1) AND hour <= $__toTime AND {{whose}}
