"""An agent in a process of its own, as its author would write it: it calls a tool that does not exist, and works on.

Run by a test with `WATCHKEEPER_KAFKA_BOOTSTRAP`; arguments: tenant and agent. It tells on stdout, a JSON object on each
line, which session it began and why it ended; it exits with 0 when it was stopped, and with 1 when nobody did.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from watchkeeper.producers import Session, SessionStoppedError, Watchkeeper

PATIENCE_SECONDS = 240.0
POLICY = {
    "version": "7",
    "mode": "enforce",
    "goal": {"statement": "Settle a refund for an order that the customer names."},
    "tools": {"find_orders": {"effect": "read"}, "refund_order": {"effect": "irreversible"}},
}


def say(**told: str) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def work(session: Session) -> None:
    """Looks an order up, asks for a tool that does not exist, and then waits for its customer's answer."""
    request = session.prompt([{"role": "user", "content": "Please refund order 40112, it came broken."}])
    session.reasoning("The customer wants money back: I look the order up first, then refund it.")
    usage = {"input_tokens": 812, "output_tokens": 64}
    session.response(None, request_id=request, usage=usage, finish_reason="tool_calls")
    found = session.tool_call("find_orders", {"order": 40112})
    session.tool_result(found, {"order": 40112, "amount": "31.20 EUR", "state": "delivered"})
    refused = session.tool_call("refnd_order", {"order": 40112, "amount": 31.2})
    session.tool_result(refused, "there is no tool refnd_order", status="rejected")
    session.response("I am looking into it. Did the box have a dent?", answer=True, usage=usage)
    waiting = threading.Event()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        session.check()
        waiting.wait(0.1)


def main(tenant: str, agent: str) -> int:
    watch = Watchkeeper(agent, policy={"agent": agent, **POLICY}, tenant=tenant, agent_version="3.1")
    tools = [
        {"name": name, "parameters": {"type": "object", "properties": {"order": {"type": "integer"}}}}
        for name in ("find_orders", "refund_order")
    ]
    try:
        with watch.session(
            goal="Settle a refund", intent="refund", model="gpt-4o-mini", user_id="u-40", tools=tools
        ) as session:
            say(session=session.session_id)
            work(session)
    except SessionStoppedError as stopped:
        say(stopped=str(stopped))
        return 0
    finally:
        watch.close()
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
