"""The `watchkeeper` command: which commands there are, and where their code is."""

from __future__ import annotations

from importlib import metadata
from typing import Final

import click

from watchkeeper.cli.command import Lazy, RootGroup

_COMMANDS: Final = "watchkeeper.cli.commands"
STACK, LOOK, ACT, DATA = "The local stack", "Look", "Act", "Parts"

TABLE: Final[dict[str, Lazy]] = {
    "demo": Lazy(f"{_COMMANDS}.demo", "demo", "Run a simulated fleet through the whole pipeline.", STACK),
    "up": Lazy(f"{_COMMANDS}.stack", "up", "Start broker, ClickHouse and worker on this machine.", STACK),
    "down": Lazy(f"{_COMMANDS}.stack", "down", "Stop them.", STACK),
    "status": Lazy(f"{_COMMANDS}.status", "status", "Say what runs, how far behind it is, and what is wrong.", STACK),
    "doctor": Lazy(f"{_COMMANDS}.stack", "doctor", "Check the installation and what runs.", STACK),
    "sessions": Lazy(f"{_COMMANDS}.sessions", "sessions", "List what agents did, newest first.", LOOK),
    "session": Lazy(f"{_COMMANDS}.session", "session", "Show one session: the whole record.", LOOK),
    "findings": Lazy(f"{_COMMANDS}.findings", "findings", "List what was found, newest first, or as it comes.", LOOK),
    "finding": Lazy(f"{_COMMANDS}.finding", "finding", "Show one finding, and say whether it is true.", LOOK),
    "incident": Lazy(f"{_COMMANDS}.incident", "incident", "Write up what happened.", LOOK),
    "console": Lazy(f"{_COMMANDS}.console", "console", "Serve a web page of all this.", LOOK),
    "alerts": Lazy(f"{_COMMANDS}.alerts", "alerts", "See who was told what; set up who is told.", LOOK),
    "stop": Lazy(f"{_COMMANDS}.control", "stop", "Stop a session, an agent or a tenant.", ACT),
    "pause": Lazy(f"{_COMMANDS}.control", "pause", "Hold a session, an agent or a tenant.", ACT),
    "resume": Lazy(f"{_COMMANDS}.control", "resume", "Lift what was stopped or held.", ACT),
    "grants": Lazy(f"{_COMMANDS}.grants", "grants", "See, publish and revoke what agents may hand on.", ACT),
    "dead-letters": Lazy(f"{_COMMANDS}.dead_letters", "dead_letters", "See and send again what was unreadable.", ACT),
    "policy": Lazy(f"{_COMMANDS}.policy", "policy", "Write policies of agents, check them, propose them.", DATA),
    "evals": Lazy(f"{_COMMANDS}.evals", "evals", "Score sessions, keep suites, gate changes.", DATA),
    "dashboards": Lazy(f"{_COMMANDS}.dashboards", "dashboards", "Put dashboards and alerts into a Grafana.", DATA),
    "import": Lazy(f"{_COMMANDS}.import_", "import_", "Bring recorded sessions in.", DATA),
    "worker": Lazy(f"{_COMMANDS}.worker", "worker", "Run one stream worker in this process.", DATA),
    "rollups": Lazy(f"{_COMMANDS}.rollups", "rollups", "Keep minute rollups up to date, or make them anew.", DATA),
    "topics": Lazy(f"{_COMMANDS}.topics", "topics", "Make Kafka's topics that are missing.", DATA),
    "migrate": Lazy(f"{_COMMANDS}.migrate", "migrate", "Bring ClickHouse's tables up to date.", DATA),
}

_HELP = """Watches over AI agents in production: what they did, where they failed, and how to stop them.

Where ClickHouse and Kafka are, a command learns from its options --clickhouse and --kafka, else from
WATCHKEEPER_CLICKHOUSE_DSN and WATCHKEEPER_KAFKA_BOOTSTRAP, else from the local stack that runs here.
"""


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"watchkeeper {metadata.version('watchkeeper')}")
        ctx.exit()


watchkeeper = RootGroup(
    "watchkeeper",
    table=TABLE,
    help=_HELP,
    examples=(
        ("start everything on this machine", "watchkeeper up"),
        ("what ran in the last hour", "watchkeeper sessions --since 1h"),
        ("stop an agent", "watchkeeper stop --agent support --reason 'answers with made-up prices'"),
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        )
    ],
)
