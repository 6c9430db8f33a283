SELECT sumIf(findings, severity IN ('high', 'critical')) AS grave FROM {{found}}
