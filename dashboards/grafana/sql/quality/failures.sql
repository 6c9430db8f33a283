SELECT if(count() = 0, NULL, countIf(result_type = 'failure') / count()) AS failures FROM {{scored}}
