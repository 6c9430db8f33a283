SELECT if(count() = 0, NULL, countIf({{key}} NOT IN {{with_mode:'audit_gap'}}) / count()) AS whole
FROM {{sessions}}
