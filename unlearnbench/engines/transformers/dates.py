"""One date for every chat template that writes today's, so that no prompt depends on the day.

Templates get at the date by calling `strftime_now` or by reading a variable such as `date_string`.
Both are answered with a constant of the protocol.
"""

from __future__ import annotations

import re

PINNED = "2024-07-26"
"""The date that templates see: the one that the templates of Llama 3 fall back on themselves."""
_WRITTEN = "26 Jul 2024"
VARIABLES = {
    name: _WRITTEN
    for name in ("date_string", "current_date", "today", "today_date", "todays_date", "date")
}
"""Variables by which templates ask their caller for the date."""
_CALL = "strftime_now"

_DIRECTIVES = {
    "%%": "\x00",
    "%a": "Fri",
    "%A": "Friday",
    "%w": "5",
    "%u": "5",
    "%d": "26",
    "%-d": "26",
    "%e": "26",
    "%b": "Jul",
    "%h": "Jul",
    "%B": "July",
    "%m": "07",
    "%-m": "7",
    "%y": "24",
    "%Y": "2024",
    "%G": "2024",
    "%H": "12",
    "%-H": "12",
    "%k": "12",
    "%I": "12",
    "%-I": "12",
    "%l": "12",
    "%p": "PM",
    "%P": "pm",
    "%M": "00",
    "%-M": "0",
    "%S": "00",
    "%-S": "0",
    "%f": "000000",
    "%z": "",
    "%Z": "",
    "%s": "1721995200",
    "%j": "208",
    "%-j": "208",
    "%U": "29",
    "%W": "30",
    "%V": "30",
    "%c": "Fri Jul 26 12:00:00 2024",
    "%x": "07/26/24",
    "%D": "07/26/24",
    "%X": "12:00:00",
    "%T": "12:00:00",
    "%R": "12:00",
    "%r": "12:00:00 PM",
    "%F": "2024-07-26",
    "%n": "\n",
    "%t": "\t",
    "\x00": "%",
}
"""What `strftime` makes of noon on that day in English, whatever the machine's language is."""


_CODE = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")


def uses_dates(template: str) -> bool:
    """Whether a template may write a date: then the date belongs to a run's settings."""
    names = (_CALL, *VARIABLES)
    code = (_LITERAL.sub("''", block) for block in _CODE.findall(template))
    return any(re.search(rf"(?<![\w.])({'|'.join(names)})\b", block) for block in code)


def pin(template: str) -> str:
    """The template with a `strftime_now` of its own, which stands before the library's.

    The library hands templates only plain data, so a function cannot be given to them; a macro can.
    The line break after it is taken away by the library's `trim_blocks`.
    """
    if _CALL not in template:
        return template
    filters = "".join(f"|replace({old!r}, {new!r})" for old, new in _DIRECTIVES.items())
    return f"{{% macro {_CALL}(format) %}}{{{{ format{filters} }}}}{{% endmacro %}}\n{template}"
