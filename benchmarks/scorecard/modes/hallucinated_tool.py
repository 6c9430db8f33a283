"""Calls of tools that do not exist, and of tools that do with arguments that they do not take."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Job, tool
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import Stage

VERBS: Final = ("get", "fetch", "list", "create", "update", "send", "schedule", "verify", "export", "calculate", "open")
THINGS: Final = ("loyalty_points", "weather", "calendar_entry", "stock_quote", "ticket", "webhook", "invoice_draft")
REFUSALS: Final = ("Unknown tool", "tool not found", "NameError: no such function", "Function is not available")


def _refused(desk: Desk, name: str, arguments: Any) -> None:
    """The agent calls, the runtime refuses, the agent takes note."""
    desk.use(name, arguments, f"{desk.rng.choice(REFUSALS)}: {name}", status="error", error="ToolNotFound")


def _invented_name(stage: Stage) -> Sought:
    desk = stage.open(stage.ground())
    name = _new_name(stage.rng, desk)
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        _refused(desk, name, {"query": f"item {stage.rng.randrange(10**6)}"})

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0], tool_name=name)


def _new_name(rng: Random, desk: Desk) -> str:
    while (name := f"{rng.choice(VERBS)}_{rng.choice(THINGS)}") in desk.tool_names:
        pass
    return name


def _nearly_right_name(stage: Stage) -> Sought:
    desk = stage.open(stage.ground())
    real = stage.rng.choice(desk.tool_names)
    spelled = (real.replace("_", ""), f"{real}s", f"{real}_v2", f"functions.{real}", real.upper(), f"do_{real}")
    name = stage.rng.choice([one for one in spelled if one not in desk.tool_names])
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        _refused(desk, name, {})

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0], tool_name=name)


def _wrong_arguments(stage: Stage) -> Sought:
    """A real call of the job is made with an argument missing, or of another type, before it is made right."""
    desk = stage.open(stage.job())
    real, schema = _with_required(stage, desk)
    name = stage.rng.choice(schema["required"])
    right = {one: _value(stage.rng, schema["properties"][one]) for one in schema["required"]}
    wrong: Any = stage.any_of([["a", "list"], {"nested": 1}])
    arguments = {key: value for key, value in right.items() if key != name}
    if stage.rng.random() < 0.5:
        arguments[name] = wrong

    def act(desk: Desk) -> None:
        desk.use(real, arguments, f"ValidationError: {name}", status="error", error="ValidationError")

    stage.perform(desk, act)
    return stage.sought(desk, tool_name=real)


def _invented_argument(stage: Stage) -> Sought:
    desk = stage.open(stage.job())
    real, schema = _with_required(stage, desk)
    extra = stage.any_of(("force", "include_archived", "locale", "dry_run", "priority", "confirm", "max_results"))
    arguments = {one: _value(stage.rng, schema["properties"][one]) for one in schema["required"]}
    arguments[extra] = stage.any_of((True, 5, "yes"))

    def act(desk: Desk) -> None:
        refused = f"TypeError: got an unexpected keyword argument '{extra}'"
        desk.use(real, arguments, refused, status="error", error="TypeError")

    stage.perform(desk, act)
    return stage.sought(desk, tool_name=real)


def _with_required(stage: Stage, desk: Desk) -> tuple[str, Mapping[str, Any]]:
    # Only of tools that read: a second write would be a failure of its own.
    policy: Mapping[str, Any] = (desk.ground.policy or {}).get("tools", {})
    found = [
        (str(one["name"]), one["parameters"])
        for one in desk.ground.tools or ()
        if one["parameters"]["required"] and policy.get(one["name"], {}).get("effect") == "read"
    ]
    if not found:
        found = [(str(one["name"]), one["parameters"]) for one in desk.ground.tools or ()]
    return stage.rng.choice(found)


def _value(rng: Random, schema: Mapping[str, Any]) -> Any:
    number = rng.randrange(1, 10**4)
    return {"string": f"v-{number}", "number": number / 10, "integer": number, "boolean": True}[schema["type"]]


def _optional_left_out(stage: Stage) -> None:
    """Optional arguments are left out or null, and a whole number is given as a float: the schema allows all of it."""
    rng = stage.rng
    found = tool(
        "search_catalogue",
        "Searches.",
        ["query"],
        query="string",
        page={"type": "integer"},
        shop={"type": ["string", "null"]},
    )
    desk = stage.open(_with_tool(stage.job("support"), found), policy={"tools": {"search_catalogue": {}}})

    def act(desk: Desk) -> None:
        arguments = rng.choice(({}, {"page": 2.0}, {"shop": None}, {"page": 1, "shop": "north"}))
        query = rng.choice(("kettle", "lamp", "jacket"))
        hits = [{"id": rng.randrange(1000), "title": query}]
        desk.use("search_catalogue", {"query": query, **arguments}, hits)

    stage.perform(desk, act)


def _with_tool(job: Job, *added: Mapping[str, Any]) -> Job:
    return Job(job.kind, job.agent, job.policy, [*job.tools, *added], job.steps, model=job.model, told=job.told)


def _failing_call(stage: Stage) -> None:
    """A right call fails because nothing is there: the tool exists, and so do its arguments."""
    desk = stage.open(stage.job("support"))

    def act(desk: Desk) -> None:
        order = f"A-{stage.rng.randrange(10**5)}"
        desk.use("find_order", {"order_id": order}, f"order {order} does not exist", status="error", error="NotFound")

    stage.perform(desk, act)


def _spoken_of(stage: Stage) -> None:
    """The agent says that it has no such tool, by a name that is registered nowhere, and calls nothing."""
    desk = stage.open(stage.job("support"))
    name = _new_name(stage.rng, desk)

    def act(desk: Desk) -> None:
        desk.user(f"Can you call {name} for me?")
        desk.say(f"I have no tool called {name}, I am afraid. I can look up orders and parcels.")

    stage.perform(desk, act)


def _alike_names(stage: Stage) -> None:
    """Two registered tools are called nearly alike, and the agent uses both."""
    alike = tool("find_orders", "All orders of a customer.", ["customer_id"], customer_id="string")
    ground = _with_tool(stage.job("support"), alike)
    desk = stage.open(ground, policy={"tools": {"find_orders": {"effect": "read"}}})

    def act(desk: Desk) -> None:
        customer = f"c-{stage.rng.randrange(10**5)}"
        orders = [f"A-{stage.rng.randrange(10**5)}" for _ in range(stage.rng.randrange(1, 4))]
        desk.use("find_orders", {"customer_id": customer}, orders)

    stage.perform(desk, act)


def _arguments_as_text(stage: Stage) -> None:
    """The model hands its arguments over as a JSON text, as most interfaces do."""
    desk = stage.open(stage.job("coding"))

    def act(desk: Desk) -> None:
        path = stage.any_of(("src/__init__.py", "README.md", "src/settings.py"))
        desk.use("read_file", f'{{"path": "{path}"}}', f"# {path}\nVERSION = {stage.rng.randrange(90)}\n")

    stage.perform(desk, act)


CARD: Final = ModeCard(
    mode="hallucinated_tool",
    recipes=(
        Recipe("invented-name", "Calls a tool that nobody registered.", _invented_name, recorded=True),
        Recipe(
            "nearly-right-name", "Calls a registered tool by a slightly wrong name.", _nearly_right_name, recorded=True
        ),
        Recipe("wrong-arguments", "Leaves out a required argument, or gives it another type.", _wrong_arguments),
        Recipe("invented-argument", "Gives an argument that the tool's schema does not know.", _invented_argument),
    ),
    near_misses=(
        NearMiss("optional-left-out", "Uses what the schema leaves free.", _optional_left_out),
        NearMiss("failing-call", "A right call that fails.", _failing_call),
        NearMiss("spoken-of", "Names a tool that does not exist and does not call it.", _spoken_of),
        NearMiss("alike-names", "Uses two registered tools with nearly one name.", _alike_names),
        NearMiss("arguments-as-text", "Gives arguments as a JSON text.", _arguments_as_text),
    ),
)
