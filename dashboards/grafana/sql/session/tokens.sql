SELECT sum(tokens) AS tokens FROM {{now}} HAVING count() > 0
