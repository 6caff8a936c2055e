"""Frequent words of languages, and letter pairs that hardly any word has."""

from __future__ import annotations

_LISTS = {
    "en": "a the of and to in is it that was for on are as with his they be at this have from or "
    "had by but what were we when your can said there use an each which she do how their if "
    "will up about out many then them these so some her would make like him into has two "
    "more no my than been who its now did get come made may you he i not all our us because "
    "should while one other most where also very just much even well any both those between "
    "during before after",
    "fr": "le la les un une des de du et est en que qui dans pour pas sur au aux ce cette ces il "
    "elle ils elles nous vous je tu on ne se sa son ses mon ma mes par plus avec sont mais comme "
    "ou où si leur être avoir fait tout très parce quand il faut l d j c n qu aussi même chez",
    "de": "der die das und ist in den von zu mit sich des auf für nicht ein eine einen einem einer "
    "als auch es an werden aus er hat dass sie nach wird bei um am sind noch wie über so zum "
    "haben nur oder aber vor zur bis mehr durch man dann soll ich du wir ihr mich weil wenn im "
    "dem zuerst viele sonst unter gut",
    "es": "el la los las un una unos unas de del y en que es por con para no se su sus lo como más "
    "pero al o este esta esto porque cuando muy sin sobre también me ya todo hay son está están "
    "tiene qué si nos mi tu yo entre desde hasta donde",
    "it": "il lo la gli le un una uno di del della e è in che per con non si su come più ma al da "
    "ogni anche sono questa questo quella quello perché quando molto avere essere ha chi dei",
    "pt": "o a os as um uma de do da dos das e é em que por com para não se seu sua como mais mas "
    "ao no na este esta isso porque quando muito sem entre são também ele ela",
    "nl": "de het een van en in is dat op te zijn met voor niet aan er om dan zou die maar ook als "
    "bij door naar uit wordt omdat je ik hij zij wij altijd goede iemand",
}
FREQUENT = {language: frozenset(words.split()) for language, words in _LISTS.items()}
"""Some of the most frequent words of each language, in no order."""

_NEVER = (
    "b:cfghknpqvwxz c:bjvwxz d:qx f:bcdghkmnpqvwxz g:cjkqvxz h:ghjkqvxz "
    "j:bcdfghjklmnpqrstvwxyz k:cdgjqtvxz l:qxz m:dgjkqvxz n:x p:cdfgjnqvxz "
    "q:abcdefghjklmnopqrstvwxyz r:jx s:x t:kqvx u:qw v:bcdfghjkmnpqstuvwxz w:gjpquvwxz "
    "x:bdfgjklmnqrsuvwxyz y:hjkqvxyz z:bcdfghjkmnpqrstvwx"
)
RARE_PAIRS = frozenset(
    first + second
    for first, _, seconds in (entry.partition(":") for entry in _NEVER.split())
    for second in seconds
)
"""Pairs of letters that at most two words of the bundled benchmarks and documents have, without
those that are usual in another language of `FREQUENT` or in names."""
