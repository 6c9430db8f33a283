"""Grafana's dashboards as code.

- `boards/`: one module a dashboard, one function a panel. `panels`, `variables`: what they share.
- `sql/`: the panels' statements, one file each; `parts/` holds what many of them begin with. `query`: reads them.
- `macros`: what Grafana makes of a statement before ClickHouse sees it, for tests and the console.
- `json/`: the dashboards as Grafana reads them, made by `make dashboards`; a test compares.
"""
