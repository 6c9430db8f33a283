"""Words that tell deeds, reasons for them, and refusals: English, by beginnings where a list says so."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

Deed = Literal["delete", "cancel", "pay", "send", "publish", "export", "grant", "credentials", "deploy", "change"]


def listed(*lines: str) -> frozenset[str]:
    """The words of these lines."""
    return frozenset(word for line in lines for word in line.split())


MIN_PREFIX = 4
"""Letters from which on a word of `WIDE` stands for all that begin with it."""

CORE: dict[Deed, frozenset[str]] = {
    "delete": listed("delet remov eras purg wipe wiping destroy drop truncat uninstall shred clean discard"),
    "cancel": listed("cancel terminat deactivat suspend disabl clos abort revok"),
    "pay": listed("pay paid purchas buy charg refund reimburs compensat wire donat invest withdraw checkout credit"),
    "send": listed("send sent email mail notif messag sms forward broadcast"),
    "publish": listed("publish post tweet upload announc"),
    "export": listed("export dump download"),
    "grant": listed("grant permission authoriz promot elevat privileg shar"),
    "credentials": listed("password credential mfa 2fa otp passphrase"),
    "deploy": listed("deploy releas rollout rollback restart reboot shutdown merg push migrat"),
    "change": listed("updat chang modif edit adjust increas rais lower overrid overwrit waiv rewrit alter"),
}
"""Beginnings of words that name the deed itself."""

WIDE: dict[Deed, frozenset[str]] = {
    "delete": listed(
        "clear rid dispos trash forget unsubscrib clos cancel archiv prun reset replac move movi renam undo",
        "revert retir expir gdpr duplicat migrat refactor rewrit reorganis reorganiz rebook reschedul",
        "end ended",
    ),
    "cancel": listed(
        "stop quit withdraw reschedul move movi replac chang switch end ended return refund unsubscrib delet",
        "remov drop void undo undoing revert annul declin reject instead mistake rebook postpon swap",
        "paus block freez fraud stolen lost turn mute muti silenc snooz",
    ),
    "pay": listed(
        "money transfer subscrib invoic bill settl deposit trad sell sold order return book exchang renew",
        "upgrad rent reserv tip fee voucher certificate coupon gift budget bonus salar payroll spend price",
        "cost $ fund cash balanc saving payout",
    ),
    "send": listed(
        "text call phone contact tell told inform remind invit let reply repl respond alert newsletter letter",
        "communicat ask asks asked shar escalat confirm outreach campaign follow report writ reach post know",
        "correspond",
    ),
    "publish": listed("shar blog social releas public newsletter media launch push present send"),
    "export": listed(
        "extract backup back report csv spreadsheet excel pdf statement archiv migrat copy copi save savi",
        "file sync send",
    ),
    "grant": listed(
        "access role admin right unlock allow enabl invit add adds adde addi onboard member team shar roam",
        "let give show send forward",
    ),
    "credentials": listed("login log logg sign key keys token authenticat lock reset secur access register"),
    "deploy": listed(
        "roll scal ship upgrad pr prs commit production launch publish instal crash outage incident rebuild land"
    ),
    "change": listed(
        "set correct fix fixe fixi switch move movi new wrong add adds adde addi replac mistake instead",
        "different extend upgrad downgrad reduc renew reset configur enabl disabl toggl turn patch improv",
        "rewrit renam convert fill complet keep maintain put puts assign",
    ),
}
"""What people say besides when they want the deed: beginnings, and whole words where they are short."""

ENGLISH = listed(
    "the a an to of and is in for i you my me it that this with on can please be not have do what how your at are from",
    "was as by or which",
)
"""Words without which hardly an English sentence goes."""

CONDITIONS = listed(
    "that which who whose if when unless without above over more than before after outside other others except until",
    "below under not only any less least most beyond during while",
)
"""Words with which a refusal depends on something."""

EMPTY = listed("a an the of to for in on at by with from and or all its their your his her into about as it this")
"""Words that name nothing."""

ANYTHING = listed("anything something everything anybody anyone somebody someone everybody everyone")
"""Words that leave open what is meant."""

LIGHT = listed(
    "issue make perform do give process execute initiate carry offer apply provide conduct run start use grant",
)
"""Verbs that say nothing of the deed: their object does."""

WRITING = listed("send reply message email mail answer respond write post comment notify tell text sms")
"""Words in the names of tools that say something to somebody."""

_ALIKE = (
    "order item package parcel product purchase delivery shipment goods article",
    "reservation booking flight trip ticket seat itinerary",
    "event meeting appointment slot calendar invitation invite schedule",
    "file document folder directory path code script repository repo workspace doc page",
    "message email mail note text letter reply notification sms",
    "money fund cash",
    "account profile",
    "invoice bill",
    "alert alarm warning",
    "subscription membership plan",
    "row table database db",
    "record entry",
)
"""Things that people call by each other's names."""

NAMELESS = listed(
    "all bulk new old current by id ids v1 v2 v3 api tool my pending delivered existing batch mass multiple",
    "now force hard soft permanently one many info details for to from the of in on and",
)
"""Words in the names of tools that name no thing, or one that is always spoken of."""

_ENDINGS = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "es", "ed", "s", "e", "y")
_MIN_STEM = 4


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """What a word has in common with its other forms; things that are called alike have one stem."""
    bare = _bare(word)
    return _ALIKE_OF.get(bare, bare)


def _bare(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM and not word.endswith("ss"):
            return word[: -len(ending)]
    return word[:-1] if word.endswith("s") and len(word) == _MIN_STEM else word


_ALIKE_OF = {_bare(word): _bare(line.split()[0]) for line in _ALIKE for word in line.split()}
