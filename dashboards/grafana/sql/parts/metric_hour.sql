-- The same of a row of `metric_hours`.
toDateTime(intDiv(toUnixTimestamp(hour), {{metric_step}}) * {{metric_step}}, 'UTC')
