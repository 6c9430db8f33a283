-- The point of time of a row of `pipeline_metrics`, or of `counted`.
toDateTime(intDiv(toUnixTimestamp(at), {{metric_step}}) * {{metric_step}}, 'UTC')
