SELECT count() AS given_up
FROM {{given_up}}
