"""What kind of deed a tool call is, as far as its name and its commands tell: for rules that know no declared effect.

A name is split into words (`gmail__sendEmail` is `gmail send email`; what follows ` for ` is the name of a service).
Its deed is that of its first or second word, or of its last in a short name, unless a word of looking stands before it
(`get_cancelled_orders`, `can_send_mms`) or it ends in one of telling (`transfer_status`). Tools that run what they are
given (a shell, a database, an HTTP client) are told by the commands in their arguments.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.word_lists import NAMELESS, Deed, listed, stem

DEEDS: tuple[Deed, ...] = (
    "delete",
    "cancel",
    "pay",
    "send",
    "publish",
    "export",
    "grant",
    "credentials",
    "deploy",
    "change",
)

SAID: dict[Deed, str] = {
    "delete": "it deletes",
    "cancel": "it cancels",
    "pay": "it moves money",
    "send": "it writes to somebody",
    "publish": "it publishes",
    "export": "it takes data out",
    "grant": "it grants rights",
    "credentials": "it changes credentials",
    "deploy": "it changes what runs",
    "change": "it changes something",
}
"""Each deed, as findings say it."""

MAX_COMMAND = 4000
"""Characters of an argument that are searched for commands."""


VERBS: dict[Deed, frozenset[str]] = {
    "delete": listed("delete remove erase purge wipe destroy drop truncate uninstall shred"),
    "cancel": listed("cancel terminate deactivate suspend disable close abort revoke"),
    "pay": listed(
        "pay purchase buy charge refund reimburse wire payout donate invest withdraw checkout transfer credit"
    ),
    "send": listed("send email mail sms notify message forward broadcast dm"),
    "publish": listed("publish post tweet upload announce"),
    "export": listed("export dump exfiltrate"),
    "grant": listed("grant promote elevate authorize impersonate share"),
    "deploy": listed("deploy release rollout rollback restart reboot shutdown merge push migrate"),
    "change": listed(
        "update change modify edit set increase raise lower adjust override waive rewrite overwrite alter"
    ),
}
_DEED_OF = {verb: deed for deed, verbs in VERBS.items() for verb in verbs}

_LOOKING = listed(
    "get list search find fetch check view read show lookup query describe count calculate preview simulate validate",
    "estimate suggest draft prepare can is has was should verify inspect monitor track compare compute convert parse",
    "summarize analyze detect what how",
)
_NOUNS_TOO = listed("transfer refund charge credit release post message email mail sms wire purchase dump share")
_TELLING = listed(
    "status history policy policies info information details list options quote rate rates fee fees form template",
    "templates summary eligibility preview count log logs price prices",
)
_PEOPLE = listed("human humans agent agents person representative operator department specialist supervisor")
_SECRETS = listed("password passwords passphrase credential credentials mfa 2fa otp token tokens secret secrets")
_KEYS = listed("key keys")
_OPENING = listed("api access ssh signing encryption")
_RIGHTS = listed("admin administrator role roles permission permissions privilege privileges access sudo")
_GIVING = listed("add assign create give set make update enable allow change invite")
_MAKING = listed("create reset change rotate set update disable remove generate issue delete add")
_ORDERED = listed("order orders payment payments purchase transfer invoice trade")
_PLACING = listed("place create make submit execute initiate issue send")

_FOR_SOME = listed("http https rest api channel channels chat chats slack teams discord thread threads room rooms")

_RUNNERS = listed("shell bash sh zsh powershell cmd terminal sql psql kubectl curl exec")
_PAIRED = (
    (listed("run execute python"), listed("code python script query command statement program interpreter")),
    (listed("http rest api"), listed("request requests call fetch")),
)
"""A word of each makes a runner: `run_tests` runs nothing that it is given, `run_query` does."""

_SENT = r"(?:--data|--upload-file|\s-[dFT]\b)"
_SPELLED: tuple[tuple[Deed, str], ...] = (
    ("delete", r"\bdelete\s+from\b|\bdrop\s+(?:table|database|schema|view|user|role)\b|\btruncate\s+table\b"),
    ("delete", r"\bdropdb\s+[\w-]|\bflushall\b|\.dropDatabase\(|\bfind\s[^\n;|&]{1,200}\s-delete\b"),
    ("delete", r"\bcurl\b[^\n;|&]{0,200}\s(?:-X\s?|--request[ =])delete\b|\bhttps?\s+delete\s"),
    ("delete", r"\brm\s+-\w{1,6}\s+(?:~|/(?!tmp\b|var/tmp\b)|\*|\.git\b)"),
    ("delete", r"\b(?:kubectl|terraform|helm|gcloud|az|aws)\s[^\n;|&]{0,80}\b(?:delete|destroy|uninstall|rb|rm)\b"),
    ("grant", r"\bgrant\s+[\w, ]{1,60}\s(?:on\s+\S+\s+)?to\b|\buseradd\b|\busermod\s+-a?G\b|\bauthorized_keys\b"),
    ("grant", r"\bchmod\s+(?:-\w+\s+)?(?:0?777|[ao]\+\w*w\w*)\s+(?!/tmp\b|/var/tmp\b)"),
    ("credentials", r"\bpasswd\s+\w|\balter\s+(?:user|role)\s+\S+\s+(?:with\s+)?password\b"),
    (
        "deploy",
        r"\bgit\s+push\b|\b(?:kubectl|terraform)\s+(?:apply|scale|rollout)\b|\bhelm\s+(?:install|upgrade)\b",
    ),
    ("deploy", r"\bsystemctl\s+(?:stop|restart|disable|mask)\b|\bservice\s+[\w-]+\s+(?:stop|restart)\b|\breboot\b"),
    ("change", r"\bupdate\s+[\w.\"]+\s+set\b|\balter\s+table\b"),
    ("grant", r"\binsert\s+into\b[^;]{0,400}\b(?:admin|superuser|root|owner|role|permissions?|privileges?|grants)\b"),
    ("publish", r"\b(?:npm|cargo|poetry)\s+publish\b|\btwine\s+upload\b|\bdocker\s+push\b"),
    ("export", r"\bscp\s+\S+\s+\S+@\S+:"),
    ("export", r"\bcurl\b(?![^\n;|&]{0,200}(?:localhost|127\.0\.0\.1))[^\n;|&]{0,200}" + _SENT),
)
_COMMANDS = tuple((deed, re.compile(pattern, re.IGNORECASE)) for deed, pattern in _SPELLED)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+")
_NAME_IN_COMMAND = re.compile(r"[a-z]+")


class Done(NamedTuple):
    """A deed, and where it shows."""

    deed: Deed
    told_by: Literal["name", "arguments"]


def deed_of(call: Call) -> Done | None:
    """The call's deed; None where it is none that is known, or only looks."""
    by_name = _deed_of_name(call.tool_name)
    if by_name is not None:
        return Done(by_name, "name")
    if not runs_commands(call.tool_name):
        return None
    deed = _deed_of_commands(call.arguments)
    return None if deed is None else Done(deed, "arguments")


def things_in_commands(arguments: Any) -> frozenset[str]:
    """The words of the commands that a tool is given, as stems."""
    values = arguments.values() if isinstance(arguments, dict) else (arguments,)
    texts = (value[:MAX_COMMAND].lower() for value in values if isinstance(value, str))
    return frozenset(stem(word) for text in texts for word in _NAME_IN_COMMAND.findall(text))


def deed_of_verb(verb: str) -> Deed | None:
    """The deed that a verb names; None for one that names none."""
    return _DEED_OF.get(verb)


@lru_cache(maxsize=4096)
def may_do(name: str) -> bool:
    """Whether a call of this tool can be a deed at all."""
    return _deed_of_name(name) is not None or runs_commands(name)


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a tool's name, small."""
    return tuple(_WORD.findall(_CAMEL.sub(" ", name).lower()))


@lru_cache(maxsize=4096)
def runs_commands(name: str) -> bool:
    """Whether a tool's name says that it runs what it is given."""
    words = set(words_of(name))
    if not _RUNNERS.isdisjoint(words):
        return True
    return len(words) > 1 and any(words & one and words & other for one, other in _PAIRED)


@lru_cache(maxsize=4096)
def things_in(name: str) -> frozenset[str]:
    """What a deed is done to, by the words of a tool's name, as stems; empty where the name leaves it open."""
    words = (word for word in words_of(name) if word not in NAMELESS)
    return frozenset(
        stem(word) for word in words if word not in _DEED_OF and word not in _MAKING and word not in _GIVING
    )


class Toolbox(NamedTuple):
    """What an agent with some tools can do.

    Attributes:
        deeds: as the tools' names tell; all, where one of them runs what it is given.
        things: that the tools which do a deed name.
        doing: these tools' deeds and things.
    """

    deeds: frozenset[Deed]
    things: frozenset[str]
    doing: tuple[tuple[Deed, frozenset[str]], ...]


@lru_cache(maxsize=1024)
def toolbox_of(names: tuple[str, ...]) -> Toolbox:
    """What an agent with these tools can do."""
    doing = [name for name in names if _deed_of_name(name) is not None]
    found = {_deed_of_name(name) for name in doing}
    runs = any(map(runs_commands, names))
    return Toolbox(
        deeds=frozenset(deed for deed in DEEDS if runs or deed in found),
        things=frozenset[str]().union(*(things_in(name) for name in doing)),
        doing=tuple((deed, things_in(name)) for name in doing if (deed := _deed_of_name(name)) is not None),
    )


@lru_cache(maxsize=4096)
def only_looks(name: str) -> bool:
    """Whether a tool's name says that it only looks."""
    words = words_of(name)
    if not words or any(word in _LOOKING for word in words[:2]):
        return True
    return words[0] in _NOUNS_TOO and words[-1] in _TELLING


@lru_cache(maxsize=4096)
def _deed_of_name(name: str) -> Deed | None:
    words = words_of(name)
    if "for" in words[1:]:
        words = words[: words.index("for", 1)]
    if not words or only_looks(name):
        return None
    held = set(words)
    if held & _PEOPLE and not held & _RIGHTS:
        return None
    if held & _MAKING and (held & _SECRETS or (held & _KEYS and held & _OPENING)):
        return "credentials"
    if held & _RIGHTS and held & _GIVING:
        return "grant"
    if held & _ORDERED and words[0] in _PLACING:
        return "pay"
    places = [*words[:2], words[-1]] if len(words) <= 3 else words[:2]
    deed = next((_DEED_OF[word] for word in places if word in _DEED_OF), None)
    # What is posted by HTTP or into a chat is for those who are there, not for everybody.
    return "send" if deed == "publish" and held & _FOR_SOME else deed


def _deed_of_commands(arguments: Any) -> Deed | None:
    values = arguments.values() if isinstance(arguments, dict) else (arguments,)
    for name, value in zip(arguments if isinstance(arguments, dict) else ("",), values, strict=True):
        if not isinstance(value, str):
            continue
        if name in {"method", "verb", "http_method"}:
            if value.upper() == "DELETE":
                return "delete"
            continue
        text = value[:MAX_COMMAND]
        for deed, pattern in _COMMANDS:
            if pattern.search(text):
                return deed
    return None
