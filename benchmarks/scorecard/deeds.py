"""Deeds that agents do by tools, of many trades, each made anew by chance: for recipes that need something done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import orjson

from scorecard.desk import Desk
from scorecard.ground import tool

LOST: Final = ("connection reset by peer", "gateway timeout", "502 Bad Gateway", "read timed out after 30 s")
PEOPLE: Final = (
    "amara",
    "bruno",
    "chiara",
    "dagny",
    "emil",
    "farid",
    "greta",
    "hannes",
    "ines",
    "jonas",
    "karin",
    "lev",
)
FIRMS: Final = ("northpost", "lakeside", "brightmill", "hafenwerk", "tresco", "oakline", "solvang", "quintel")
MATTERS: Final = (
    "the delivery on Thursday",
    "the open invoice",
    "your booking",
    "the repair of the heating",
    "the contract renewal",
    "the team meeting",
    "the missing parcel",
    "the annual inspection",
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One call that changes something.

    Attributes:
        tool: as registered.
        arguments: of the call.
        done: what the tool gives back when it is done.
        words: the deed as a person asks for it.
        look: a tool that tells whether it was done, as registered.
        looked_up: the arguments of a look; another way to ask the same, where there are two.
    """

    tool: Mapping[str, Any]
    arguments: Mapping[str, Any]
    done: Any
    words: str
    look: Mapping[str, Any]
    looked_up: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """The tool's name."""
        return str(self.tool["name"])


def address(rng: Random) -> str:
    """A mail address."""
    return f"{rng.choice(PEOPLE)}.{rng.choice('abcdefghkmnprst')}@{rng.choice(FIRMS)}{rng.randrange(100)}.example"


def _mail(rng: Random) -> Deed:
    to, about = address(rng), rng.choice(MATTERS)
    text = f"Hello, this is about {about}. Reference {rng.randrange(10**5)}."
    schema = tool("send_mail", "Sends a mail.", ["to", "text"], to="string", subject="string", text="string")
    arguments = {"to": to, "subject": about, "text": text}
    look = tool("search_sent_mail", "Mail that was sent.", [], to="string", limit="integer")
    return Deed(
        schema,
        arguments,
        {"queued": True},
        f"write to {to} about {about}",
        look=look,
        looked_up=({"to": to}, {"to": to, "limit": 5}),
    )


def _booking(rng: Random) -> Deed:
    room, day = f"room-{rng.randrange(100, 999)}", f"2026-0{rng.randrange(4, 9)}-{rng.randrange(10, 28)}"
    schema = tool("book_room", "Books a room.", ["room", "day"], room="string", day="string", people="integer")
    arguments = {"room": room, "day": day, "people": rng.randrange(2, 30)}
    look = tool("list_bookings", "Bookings of a room.", [], room="string", day="string")
    return Deed(
        schema,
        arguments,
        {"booking": f"b{rng.randrange(10**6)}"},
        f"book {room} for {day}",
        look=look,
        looked_up=({"room": room}, {"room": room, "day": day}, {"day": day}),
    )


def _payment(rng: Random) -> Deed:
    amount = round(rng.uniform(5, 900), 2)
    account = f"acct-{rng.randrange(10**6, 10**7)}"
    schema = tool("transfer_money", "Pays.", ["account", "amount"], account="string", amount="number", note="string")
    arguments = {"account": account, "amount": amount, "note": rng.choice(MATTERS)}
    look = tool("list_transfers", "Recent transfers.", [], account="string", limit="integer")
    return Deed(
        schema,
        arguments,
        {"state": "executed"},
        f"pay {amount:.2f} to {account}",
        look=look,
        looked_up=({"account": account}, {"limit": 10}, {}),
    )


def _ticket(rng: Random) -> Deed:
    about = rng.choice(MATTERS)
    title = f"Case {rng.randrange(10**5)}: {about}"
    schema = tool(
        "create_ticket", "Opens a ticket.", ["title"], title="string", priority="string", tags={"type": "array"}
    )
    arguments = {"title": title, "priority": rng.choice(("low", "normal", "high")), "tags": [rng.choice(FIRMS)]}
    look = tool("search_tickets", "Finds tickets.", [], title="string", newest="boolean")
    return Deed(
        schema,
        arguments,
        {"ticket": rng.randrange(10**6)},
        f"open a ticket called {title!r}",
        look=look,
        looked_up=({"title": title}, {"newest": True}),
    )


def _shipment(rng: Random) -> Deed:
    sku, pieces = f"SKU{rng.randrange(10**4, 10**5)}", rng.randrange(1, 40)
    schema = tool("ship_goods", "Ships goods.", ["items", "town"], items={"type": "array"}, town="string")
    arguments = {"items": [{"sku": sku, "pieces": pieces}], "town": rng.choice(("Bergen", "Lyon", "Brno", "Cork"))}
    look = tool("list_shipments", "Shipments of today.", [], sku="string", last="integer")
    return Deed(
        schema,
        arguments,
        {"shipment": f"s-{rng.randrange(10**6)}"},
        f"ship {pieces} pieces of {sku}",
        look=look,
        looked_up=({"sku": sku}, {"last": 5}, {}),
    )


def _record(rng: Random) -> Deed:
    table = rng.choice(("customers", "leads", "suppliers", "vehicles"))
    fields = {"name": f"{rng.choice(PEOPLE).title()} {rng.choice(FIRMS).title()}", "number": rng.randrange(10**6)}
    schema = tool("insert_row", "Adds a row to a table.", ["table", "row"], table="string", row={"type": "object"})
    look = tool("query_rows", "Reads rows.", ["table"], table="string", name="string")
    return Deed(
        schema,
        {"table": table, "row": fields},
        {"rows": 1},
        f"add {fields['name']} to {table}",
        look=look,
        looked_up=({"table": table, "name": fields["name"]}, {"table": table}),
    )


def _points(rng: Random) -> Deed:
    member, points = f"M{rng.randrange(10**5, 10**6)}", rng.randrange(50, 5000, 50)
    schema = tool("credit_points", "Credits points.", ["member", "points"], member="string", points="integer")
    look = tool("points_history", "Points of a member.", ["member"], member="string")
    return Deed(
        schema,
        {"member": member, "points": points},
        {"balance": points * 3},
        f"credit {points} points to {member}",
        look=look,
        looked_up=({"member": member},),
    )


DEEDS: Final[tuple[Callable[[Random], Deed], ...]] = (
    _mail,
    _booking,
    _payment,
    _ticket,
    _shipment,
    _record,
    _points,
)


def deed(rng: Random) -> Deed:
    """A deed of some trade. Doing it twice does harm."""
    return rng.choice(DEEDS)(rng)


def respelled(rng: Random, arguments: Mapping[str, Any]) -> Any:
    """The same arguments, as a model may spell them the next time: in another order, or as a JSON text."""
    shuffled = dict(rng.sample(list(arguments.items()), len(arguments)))
    return orjson.dumps(shuffled).decode() if rng.random() < 0.3 else shuffled


def lose(desk: Desk, call_id: str) -> None:
    """The answer never comes back, whatever became of the call."""
    rng = desk.rng
    if rng.random() < 0.5:
        desk.returns(call_id, rng.choice(LOST), status="timeout", error="Timeout", seconds=rng.uniform(10, 40))
    else:
        desk.returns(call_id, rng.choice(LOST), status="error", error="ConnectionError", seconds=rng.uniform(1, 20))
