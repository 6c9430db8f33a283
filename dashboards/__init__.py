"""Grafana dashboards, alert rules and the local console. Empty until the work on dashboards lands."""
