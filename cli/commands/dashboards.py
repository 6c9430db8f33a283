"""`watchkeeper dashboards`: to a Grafana that runs elsewhere."""

from __future__ import annotations

from watchkeeper.cli.command import Lazy, LazyGroup

_HERE = "watchkeeper.cli.commands.dashboards_deploy"

dashboards = LazyGroup(
    "dashboards",
    table={
        "deploy": Lazy(_HERE, "deploy", "Put dashboards, data source and alert rules into a Grafana.", "Commands"),
        "diff": Lazy(_HERE, "diff", "Say how they stand there. Writes nothing.", "Commands"),
        "remove": Lazy(_HERE, "remove", "Take away what is ours.", "Commands"),
    },
    help="""Grafana dashboards and alert rules: deploy them, compare them, take them away.

    What a person changed in Grafana is neither overwritten nor removed, unless --force says so. Docker compose has its
    own Grafana, with all of this from files: docs/deploy.md.
    """,
    examples=(
        (
            "into a Grafana, the token from the environment (WATCHKEEPER_GRAFANA_TOKEN)",
            "watchkeeper dashboards deploy --url https://grafana.example.com --clickhouse $READER",
        ),
        ("what would change", "watchkeeper dashboards diff --url https://grafana.example.com"),
    ),
)
