SELECT if(count() = 0, NULL, countIf({{key}} IN {{with_mode:'reasoning_loop'}}) / count()) AS looped
FROM {{sessions}}
