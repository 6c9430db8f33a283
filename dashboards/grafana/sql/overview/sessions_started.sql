SELECT sum(sessions_started) AS sessions_started FROM {{activity}}
