-- Where sessions are looked at, their intent too.
$__conditionalAll(intent IN (${intent:singlequote}), $intent)
