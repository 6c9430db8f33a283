SELECT sum(tool_calls) AS calls FROM {{now}} HAVING count() > 0
