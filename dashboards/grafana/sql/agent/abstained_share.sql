SELECT if(sum(sessions_started) = 0, NULL, sum(abstained) / sum(sessions_started)) AS abstained
FROM {{activity}}
