"""Deployment of dashboards, data source and alert rules to a Grafana, over its HTTP API.

- `connection`: one Grafana: its address, its token, its errors as ours.
- `content`: contents made comparable, their fingerprint, and how two of them differ.
- `resource`: what all things that are deployed have in common, and what is to be done with each.
- `folder`, `data_source`, `boards`, `rules`, `contact_point`: those things.
- `deployment`: all of them in order.
"""
