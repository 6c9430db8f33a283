-- The point of time to which a row of `activity` or `found` belongs.
toDateTime(intDiv(toUnixTimestamp(at), {{step}}) * {{step}}, 'UTC')
