"""Whether an answer declines to answer, asks back, or only keeps up manners: English, German, French and Spanish.

Only the opening of an answer is looked at: who first answers and then says what he does not know has answered.
"""

from __future__ import annotations

import re

from pydantic_core import SchemaValidator, core_schema

OPENING = 320
"""Characters in which an answer says that it is none."""

_NO_ANSWER = (
    r"\bI(?:'m| am)? (?:really |currently |simply |also )?(?:do not|don't|did not|didn't) (?:have|know|see|find)\b"
    r"|\b(?:I|we)(?: was| am|'m| were)? (?:still )?(?:could not|couldn't|cannot|can't|can not|unable to|not able to"
    r"|wasn't able to|weren't able to|am not able to) (?:\w+ )?(?:find|locate|answer|determine|confirm|say|tell|verify"
    r"|provide|help|assist|give|access|retrieve|see|speak)"
    r"|\bI(?:'m| am) not (?:sure|certain|aware|able)"
    r"|\bthere(?:'s| is| are| was| were) (?:no|nothing|not enough|insufficient)\b"
    r"|\b(?:found|find|have|has|had|returned|contains?|provides?) (?:no|nothing|not any|none of)\b"
    r"|\bno (?:\w+ )?(?:information|results?|documents?|match(?:es|ing)?|records?|mention|answer|details?)\b"
    r"|\b(?:is|are|was|were) not (?:\w+ )?(?:mentioned|covered|specified|stated|available|described|listed|included"
    r"|documented|found)\b"
    r"|\b(?:does not|doesn't|do not|don't|did not) (?:\w+ )?(?:mention|cover|specify|state|say|contain|include|describe"
    r"|address|provide|answer)\b"
    r"|\bnot (?:enough|sufficient) (?:information|context|evidence)|\binsufficient (?:information|context|evidence)"
    r"|\b(?:outside|beyond|out of) (?:of )?(?:my|the|our) (?:scope|knowledge|area)"
    r"|\b(?:unknown|unclear) to me\b|\bhave to pass\b"
    r"|\bich (?:weiß|kann|konnte|habe|finde|fand)\b[^.!?]{0,80}\b(?:nicht|keine?n?|nichts)\b|\bkeine (?:angaben?"
    r"|informationen?|ergebnisse|treffer|unterlagen)\b|\b(?:leider|dazu)\b[^.!?]{0,60}\b(?:nicht|keine?n?|nichts)\b"
    r"|\bje (?:ne|n')\s?\w+ pas\b|\bje n'ai (?:pas|rien|trouvé aucune?)\b|\baucune? (?:information|résultat|document)"
    r"|\bno (?:lo )?(?:sé|encontré|encuentro|tengo|puedo|dispongo|he encontrado)\b|\bno hay (?:información|resultados)"
)
_DECLINES = re.compile(_NO_ANSWER, re.IGNORECASE)
_DECLINES_IN_ASCII = SchemaValidator(
    core_schema.str_schema(
        strict=True, pattern="(?i)" + _NO_ANSWER.replace(r"\b", r"(?-u:\b)").replace(r"\s", r"[\s\x1c-\x1f]")
    )
)
"""The same by a linear engine, twenty times as fast. Words and white space of ASCII are the same to both."""

_MANNERS = re.compile(
    r"\b(?:thanks?|thank you|welcome|hello|hi|hey|good (?:morning|afternoon|evening|day)|bye|goodbye|glad|pleasure"
    r"|anything else|how can i help|how may i help|take care|have a (?:great|good|nice)|no problem|sure|understood|okay"
    r"|danke|gerne|bitte|hallo|guten|tschüss|merci|bonjour|de rien|gracias|hola|de nada)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_SHORT = 14
"""Words that manners need at most."""

_BACK = re.compile(
    r"\b(?:could|can|would|do|did|which|what|when|where|who|may|shall|should|is|are|please|tell|provide|share|confirm"
    r"|welche[rsn]?|was|wann|wo|können|möchten|quelle?|pouvez|cuál|qué|puede)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\s*(?:to \w+[^.!?]{0,80}, )?(?:please|could you|can you|would you|i(?:'ll| will)? need|bitte|por favor)\b"
    r"[^.!?]{0,80}"
    r"\b(?:provide|share|tell|give|send|confirm|specify|clarify|know|your|nennen|geben|ihre?)\b",
    re.IGNORECASE,
)


def declines(answer: str) -> bool:
    """Whether the answer says that it is none."""
    opening = answer[:OPENING].replace("\u2019", "'")
    if opening.isascii():
        return _DECLINES_IN_ASCII.isinstance_python(opening)
    return _DECLINES.search(opening) is not None


def says_nothing(answer: str) -> bool:
    """Whether the answer only asks back, or only keeps up manners."""
    said = [sentence for sentence in _SENTENCE.findall(answer) if sentence.strip()]
    if not said:
        return True
    if all(_is_manners(sentence) or _is_question(sentence) for sentence in said):
        return True
    return len(answer.split()) <= 2 * _SHORT and _is_question(said[-1]) and len(said) <= 2


def _is_manners(sentence: str) -> bool:
    return len(sentence.split()) <= _SHORT and _MANNERS.search(sentence) is not None


def _is_question(sentence: str) -> bool:
    if _REQUEST.match(sentence):
        return True
    return sentence.rstrip().endswith("?") and _BACK.search(sentence) is not None
