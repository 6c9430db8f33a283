SELECT sum(sessions_stopped) AS stopped FROM {{activity}}
