SELECT time, labels['table'] AS name, max(last) AS parts
FROM {{gauge:'watchkeeper_store_parts'}}
GROUP BY time, name
ORDER BY time, name
