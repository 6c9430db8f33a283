SELECT count() AS sessions FROM {{sessions}}
