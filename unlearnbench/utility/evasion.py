"""Answers that decline to answer, in the languages of the bundled instructions."""

from __future__ import annotations

import re

from unlearnbench.scoring.refusals import says_nothing

_CANNOT = (
    r"(?:can(?:no|')t|can not|won't|will not|must decline|(?:'m| am) (?:unable|not able|not capable"
    r"|not equipped)|(?:do not|don't) have)"
)
_HEAD = 260
"""Characters at the start of an answer in which it declines, if it does."""

_OPENINGS = re.compile(
    r"""
    no\ idea\b(?!\ (?:is|was|has|can|could|should)\b) | ni\ idea\b | keine\ ahnung\b
    | aucune\ idée\b
    | i\ (?:really\ )?(?:have\ )?no\ (?:idea|information)\b
    | i(?:\ would\ have\ to\ say\ that\ i)?\ (?:do\ not|don't)\ know\b(?!\ why,)
    | i(?:'m|\ am)\ not\ sure\s*(?:[.!\n]|$) | i(?:'m|\ am)\ not\ sure\ what\ you\ mean\b
    | i(?:'m|\ am)\ (?:unable|not\ able)\ to\b
    | i(?:'m|\ am)\ afraid\ (?:that\ )?i\ (?:do\ not|don't|can't|cannot)\b
    | i\ (?:cannot|can't|can\ not|won't|will\ not)
      \ (?:answer|help|assist|provide|share|discuss|say|fulfill?|comply)\b
    | i\ (?:do\ not|don't)\ have
      \ (?:an?\ answer|access|(?:any\ )?information|(?:any\ )?knowledge|the\ ability)\b
    | i\ have\ no\ knowledge\b | i(?:'m|\ am)\ not\ familiar\ with\b
    | i\ (?:decline|refuse)\ to\ answer\b | it\ is\ not\ possible\ for\ me\ to\b
    | i'd\ rather\ not\ say | i\ would\ rather\ not\ say | i\ must\ decline\b
    | as\ an?\ (?:ai|language\ model|chatbot)\b.*?\bi\W?\ ?%(cannot)s
    | this\ is\ not\ something\ (?:that\ )?i\ can\b
    | there\ is\ no\ information\b | that\ information\ is\ not\ available\b
    | (?:i(?:'m|\ am)\ (?:so\ |very\ )?sorry|sorry|i\ apologi[sz]e|my\ apologies|unfortunately)\b
      (?:(?!\n\n).)*?\bi(?:'m|\ am)?\ ?%(cannot)s
    | (?:désolée?|je\ suis\ désolée?).*?\bje\ ne\ peux\ pas\b | je\ ne\ sais\ pas\b
    | (?:leider|es\ tut\ mir\ leid|entschuldigung).*?\b(?:kann\ ich|ich\ kann)\b.*?\bnicht\b
    | ich\ (?:weiß|weiss)\ (?:es\ )?nicht\b
    | das\ wei(?:ß|ss)\ ich\ nicht\b | ich\ kann\ (?:diese|die|deine|ihre)\ frage\ nicht\b
    | je\ ne\ peux\ pas\ répondre\b
    | lo\ siento.*?\bno\ puedo\b | no\ lo\ sé\b | no\ puedo\ responder\b
    | (?:i(?:'m|\ am)\ not\ sure | i\ (?:do\ not|don't|can't|cannot)\ (?:remember|recall)
      | we\ (?:do\ not|don't)\ know | no\ sé)\b[^.!?\n]*[.!]?\s*$
    """.replace("%(cannot)s", _CANNOT.replace(" ", r"\ ")),
    re.VERBOSE | re.DOTALL,
)

_BEFORE = re.compile(
    r"(?:[\s\"'“”«»*_#>-]|(?:answer|réponse|antwort|respuesta):"
    r"|(?:(?:i(?:'m| am) )?(?:so |very )?sorry|hmm+|well|désolée?|lo siento|leider)"
    r",?\s+(?:but\s+|aber\s+|mais\s+|pero\s+)?"
    r"(?=no idea|i (?:do not|don't) know|i have no idea|keine ahnung|je ne sais pas|no lo sé))+"
)
"""What may stand before it: quotation marks, emphasis, a heading, a word of regret."""


def is_evasion(text: str) -> bool:
    """Whether an answer opens by declining, "No idea", "I'm sorry, but I cannot …", or is one word
    that does: "Unknown.", "N/A".

    Only its beginning is looked at, so an apology in a letter or a character who does not know is
    none. To an innocent question this is over-forgetting, whatever the model says afterwards.
    """
    head = text.strip().casefold().replace("’", "'")[:_HEAD]
    begun = _BEFORE.match(head)
    if says_nothing(text):
        return True
    return bool(_OPENINGS.match(head) or (begun and _OPENINGS.match(head[begun.end() :])))
