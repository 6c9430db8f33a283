-- Messages of the alert router that were given up within the range. A message is first on its way, later dead.
(
    SELECT channel
    FROM (
        SELECT argMax(state, version) AS state, any(channel) AS channel
        FROM alert_notices
        WHERE $__timeFilter(tried_at)
        GROUP BY alert_id, notice_id
    )
    WHERE state = 'dead'
)
