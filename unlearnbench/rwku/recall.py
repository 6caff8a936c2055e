"""ROUGE-L recall as RWKU computes it, which is not that of other benchmarks.

Its code calls the package `rouge`: words are what stands between blanks, case and punctuation
count, a full stop ends a sentence, and each word counts once however often it stands there. TOFU's
(`tofu/rouge.py`) folds case, drops punctuation and stems.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_EMPTY = "NOANSWER"
"""What their code puts in place of an empty response."""


def rwku_recall(reference: str, response: str) -> float:
    """Share of the reference's distinct words in the union of longest common subsequences, 0 to 1.

    Lin (2004), section 3.2 (summary level), over the sentences of both texts: each sentence of the
    reference is aligned with each of the response, and words found before count once. Among
    subsequences of equal length the one is taken whose last words stand furthest to the right in
    the reference. Raises `ValueError` for a reference without words.
    """
    wanted = _sentences(reference)
    if not wanted:
        raise ValueError(f"the reference {reference!r} has no words")
    given = _sentences(response.strip() or _EMPTY)
    found = {word for sentence in wanted for other in given for word in _common(sentence, other)}
    return len(found) / len({word for sentence in wanted for word in sentence})


def _sentences(text: str) -> list[list[str]]:
    """Sentences as words; a blank one between two stops holds one empty word."""
    return [" ".join(part.split()).split(" ") for part in text.split(".") if part]


def _common(reference: Sequence[str], response: Sequence[str]) -> Iterator[str]:
    """A longest common subsequence of words, its last word first."""
    lengths = [[0] * (len(response) + 1)]
    for word in reference:
        above, row = lengths[-1], [0]
        for place, other in enumerate(response):
            row.append(above[place] + 1 if word == other else max(above[place + 1], row[place]))
        lengths.append(row)
    i, j = len(reference), len(response)
    while i and j:
        if reference[i - 1] == response[j - 1]:
            yield reference[i - 1]
            i, j = i - 1, j - 1
        elif lengths[i - 1][j] > lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
