"""What reads like instructions to an agent: expressions in the syntax of RE2, each with the signal that it gives.

Written from published attacks on agents and from how they are hidden; documentation, letters, and procedures for people
use some of these words too, so each signal has a weight, and only some are *core*.
"""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.evidence import InjectionSignal

WEIGHTS: Final[dict[InjectionSignal, int]] = {
    "override": 3,
    "chat_markup": 3,
    "hidden": 3,
    "encoded": 3,
    "addressed": 2,
    "new_orders": 2,
    "first_do": 2,
    "secrecy": 2,
    "exfiltration": 2,
    "tool_syntax": 2,
    "banner": 1,
    "imperative": 1,
}
CORE: Final[frozenset[InjectionSignal]] = frozenset(
    {"override", "chat_markup", "hidden", "encoded", "addressed", "new_orders", "first_do"}
)
"""What honest texts hardly have."""

_SOME: Final = r"(?:[\w']+\W+){0,4}?"
_TOLD: Final = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directions|directives?|commands?|tasks?|context|messages?"
    r"|polic(?:y|ies)|constraints|guardrails|restrictions|everything)"
)
_AGENT: Final = (
    r"(?:(?:a\.?i\.?|llm|language model|chat\s?bot|gpt(?:-?\d\w*)?|chatgpt|claude|gemini|copilot|llama)"
    r"(?:[ -](?:assistant|agent|model|system))?s?|(?:automated|virtual|digital) (?:assistant|agent)s?)"
)
_HELPER: Final = r"(?:assistant|agent|bot|model|a\.?i\.?|llm)s?"
_DO: Final = (
    r"(?:send|forward|e-?mail|give|hand|move|copy|erase|wipe|transfer|wire|pay|refund|delete|remove|grant|share|post|upload|publish|export|create|add"
    r"|invite|change|update|reset|run|execute|call|invoke|use|visit|open|fetch|download|install|cancel|book|reserve"
    r"|buy|purchase|approve|disable|schedule|set|write|reply|include|append|reveal|print|output)"
)
_ADDRESS: Final = r"(?:https?://|[\w.+-]+@[\w-])"
_MUST: Final = r"(?:must|should|please|need to|have to|is required to)"

SIGNALS: Final[tuple[tuple[InjectionSignal, str], ...]] = (
    (
        "override",
        (
            rf"(?i)\b(?:ignor(?:e|ing)|disregard|forget|override|discard|bypass|do not follow|stop following)\W+{_SOME}"
            r"(?:previous|prior|above|earlier|preceding|existing|original|initial|your|all|any|system|other)"
            rf"\W+{_SOME}{_TOLD}\b"
        ),
    ),
    (
        "override",
        (
            rf"(?i)\b(?:ignore|disregard|forget|override|discard)\W+{_SOME}(?:what(?:ever)?|everything|anything|all)"
            rf"\W+{_SOME}(?:told|said|asked|instructed|ordered|taught)\b"
        ),
    ),
    (
        "override",
        (
            rf"(?i)\b(?:previous|prior|earlier|original|old|current|initial)\W+{_SOME}"
            r"(?:instructions?|prompts?|tasks?|directives?|objectives?)\W+(?:is|are|was|were|ha(?:s|ve) been)"
            r"\W+(?:now\W+)?(?:cancell?ed|void|obsolete|replaced|suspended|superseded|revoked|overridden|invalid)\b"
        ),
    ),
    (
        "override",
        (
            r"(?i)\b(?:this|the following)\W+(?:\w+\W+){0,2}?(?:overrides?|supersedes?)\b"
            r"|\b(?:has|have|takes?|taking)\W+(?:\w+\W+)?(?:priority|precedence)\W+over\W+"
            r"(?:everything|all|any|your|other|previous|earlier|the user|what)\b"
        ),
    ),
    ("override", r"(?i)\byou are (?:now|no longer) (?:in |a |an |bound |the |under |\w+ mode)"),
    (
        "chat_markup",
        r"(?i)<\|(?:im_start|im_end|system|user|assistant|start_header_id|eot_id|endoftext)\|>|\[/?INST\]|<</?SYS>>",
    ),
    ("chat_markup", r"(?im)^\W{0,8}(?:system|assistant|developer)(?: (?:prompt|message|override|note))?\s?:\s*\w"),
    ("chat_markup", r"(?i)</?(?:system|assistant|tool_result|function_results)>"),
    (
        "addressed",
        (
            r"(?i)\b(?:attention|note|message|instructions?|important|dear|hey|hello|hi|to|for)\b[^.\n]{0,60}?"
            rf"\b(?:any |the |all |you, |this )?{_AGENT}\s*[,:.!)\]]"
        ),
    ),
    (
        "addressed",
        (
            r"(?i)\b(?:attention|note|notice|message|instructions?|important|reminder|dear|hey|hello|hi)\b[^.\n]{0,40}?"
            rf"\b(?:(?:any|the|all|every|you|this)\W+)?{_HELPER}\b[^.\n,:]{{0,50}}[,:]"
        ),
    ),
    (
        "addressed",
        rf"(?i)\b(?:any|the|this|your|\w+'s)\W+(?:assistants?|chat\s?bots?)\W+(?:first\W+)?(?:has to|{_MUST})\b",
    ),
    ("addressed", rf"(?i)\bif you(?:.{{0,3}}re| are) an? (?:{_AGENT}|assistant|agent)\b"),
    ("addressed", rf"(?i)\bas an? {_AGENT},? (?:you|please)\b"),
    ("addressed", rf"(?i)\b{_AGENT}\s?[,:]?\s(?:you )?{_MUST}\b"),
    (
        "new_orders",
        (
            r"(?i)\b(?:new|updated|revised|real|actual|urgent|hidden|secret|additional|system|admin(?:istrator)?"
            r"|override)\W+(?:instructions?|tasks?|objectives?|directives?|orders|goal)\W{0,6}"
            r"(?:for (?:you|the|all)\b|follow|[:=])"
        ),
    ),
    (
        "new_orders",
        (
            r"(?i)\b(?:your|the)\W+(?:(?:new|real|actual|only|next|true)\W+(?:tasks?|goal|objective|mission|instructions?)\b"
            r"|(?:tasks?|goal|objective|mission|instructions?)\W+ha(?:s|ve)\W+(?:now\W+)?(?:been\W+)?"
            r"(?:changed|updated|replaced|revised)\b)"
        ),
    ),
    (
        "new_orders",
        (
            r"(?i)\bfollow(?:ing)? (?:these|the following|my) (?:instructions?|steps|orders) "
            r"(?:instead|exactly|immediately|at once|now)\b"
        ),
    ),
    (
        "first_do",
        (
            r"(?i)\bbefore (?:you (?:can )?|any(?:thing| other)\b)\W?"
            r"(?:solv|answer|continu|proceed|complet|respond|reply|do|finish|else)\w*"
            rf"\b[^.\n]{{0,90}}?\b(?:please|first|must|need to|have to|you should|{_DO})\b"
        ),
    ),
    (
        "first_do",
        r"(?i)\b(?:do|handle|complete|finish|take care of)\W+(?:this|the following|these steps)\W+(?:first|instead)\b",
    ),
    (
        "secrecy",
        (
            r"(?i)\b(?:do not|don.{0,3}t|never|without)\W+(?:tell|telling|inform|informing|mention|mentioning|reveal"
            r"|alert|alerting|notify|notifying|show|asking|ask|disclose|report)\W+(?:\w+\W+){0,4}?"
            r"(?:user|human|anyone|anybody|owner|operator|to them)\b"
        ),
    ),
    (
        "secrecy",
        (
            r"(?i)\bkeep\W+(?:this|it|that|these)\W+(?:\w+\W+){0,2}?(?:out of|from)\W+(?:your|the)\W+"
            r"(?:\w+\W+)?(?:answer|reply|response|summary|report|output|user)\b"
            r"|\bas if nothing (?:had |has )?happened\b"
        ),
    ),
    (
        "exfiltration",
        (
            r"(?i)\b(?:send|post|forward|upload|exfiltrate|e-?mail|leak|transmit|submit|copy|share)\W+"
            rf"(?:[\w']+\W+){{1,12}}?(?:to|at|with|into)\W+(?:[\w']+\W+){{0,3}}?{_ADDRESS}"
        ),
    ),
    (
        "exfiltration",
        (
            r"(?i)!\[[^\]\n]{0,80}\]\(https?://[^)\s]{1,200}[?&][\w-]{1,40}=[^)\s]{0,40}"
            r"(?:\{|<|\[|%7B|DATA|SECRET|BASE64)"
        ),
    ),
    (
        "hidden",
        (
            rf"(?is)<!--(?:[^-]|-[^-]){{0,600}}?"
            rf"\b(?:{_AGENT}|assistant|agent|ignore|instructions?:|you must|system prompt)\b"
        ),
    ),
    (
        "hidden",
        (
            r"(?is)(?:display:\s*none|visibility:\s*hidden|font-size:\s*0|opacity:\s*0\b)[^>]{0,120}>[^<]{0,200}?"
            r"\b(?:ignore|assistant|agent|instructions?|you must)\b"
        ),
    ),
    ("tool_syntax", r"(?i)<(?:tool_call|function_call|function_calls|invoke)\b|\"(?:tool_calls|function_call)\"\s*:"),
    (
        "tool_syntax",
        (
            r"(?i)\b(?:call|use|using|invoke|run|execute)\W+(?:the\W+)?(?:tool\W+|function\W+)?"
            r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+[`'\"]?(?:\s?\(|\W+(?:tool|function|with|to)\b)"
        ),
    ),
    (
        "banner",
        (
            r"(?i)<(?:important|information|instructions?|admin|urgent)>|\bimportant\W{0,4}!!"
            r"|\[(?:system|admin)[^\]\n]{0,30}\]"
        ),
    ),
    (
        "imperative",
        (
            r"(?i)\b(?:please|kindly|must|you should|need you to|have to|make sure to|and then|then|now|immediately)"
            rf"\W+(?:also\W+)?{_DO}\b"
        ),
    ),
    (
        "imperative",
        (
            rf"(?im)(?:^|[.!?:;]\s)\W{{0,3}}{_DO}\s+(?:(?:all|every|the|my|a|an|this|these|your|any|me|it|us)\b"
            r"|\$|\d|[\w.+-]{0,60}[@/_\d])"
        ),
    ),
)
SCREENS: Final[dict[int, tuple[bytes, ...]]] = {
    place: (b"@", b"://")
    for place, (signal, pattern) in enumerate(SIGNALS)
    if signal == "exfiltration" and pattern.endswith(_ADDRESS)
}
"""Marks of which a text must hold one for an expression to match: an address has one of them."""

GATE: Final = (
    r"(?i)\b(?:assistant|agent|bot|chat\s?bot|model|a\.?i\.?|llm)s?\b"
    r"|\b(?:llm|language model|chat\s?bot|gpt|chatgpt|claude|gemini|copilot|llama)"
    r"|\b(?:automated|virtual|digital) (?:assistant|agent)"
    r"|before (?:you|any)|<!--|\]\(http|display:\s*none|visibility:\s*hidden|font-size:\s*0|opacity:\s*0"
)
"""Matches wherever one of `GATED` does: the words that they cannot do without."""

GATED: Final = tuple(
    place
    for place, (signal, pattern) in enumerate(SIGNALS)
    if signal == "hidden" or "before (" in pattern or "https" in pattern[:60] or _AGENT in pattern or _HELPER in pattern
)
"""Places of the expressions that speak of agents, or that have long counted gaps."""

BLOB: Final = r"[A-Za-z0-9+/]{40,}={0,2}"
"""What may be base64."""
