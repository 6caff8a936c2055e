"""From a probe to the token ids that a model sees, which are read back before they are sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from unlearnbench.engines.transformers import dates
from unlearnbench.engines.transformers.encoding import PromptError, token_ids
from unlearnbench.engines.transformers.held import folded, missing, squeezed
from unlearnbench.engines.transformers.named_templates import choose_template
from unlearnbench.engines.transformers.stops import end_ids
from unlearnbench.engines.transformers.templates import RenderError, Template
from unlearnbench.engines.transformers.thinking import switches
from unlearnbench.engines.transformers.turn_shapes import TurnShape, shapes_for
from unlearnbench.types import Message, Probe, PromptFormat, Setting

_SPELLINGS = (str, str.lower, str.title, str.capitalize, str.upper)


def prompt_format(tokenizer: PreTrainedTokenizerBase) -> PromptFormat:
    """`chat` if the tokenizer brings a chat template."""
    return "chat" if choose_template(tokenizer)[1] else "raw"


def context_window(config: PreTrainedConfig) -> int | None:
    """Positions that the model was made for, or None if it names no limit."""
    text = config.get_text_config()
    window = getattr(text, "max_position_embeddings", None)
    return int(window) if window else None


class Prompter:
    """Makes prompts for one tokenizer.

    `variables` are handed to its chat template; by default those that switch thinking off.
    A chat template writes its own special tokens; a raw prompt gets those that the tokenizer
    puts before any text. `notes` say what was unusual about the prompts made so far. `folds`: a
    system turn that the template refuses may stand within the user's first.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        variables: Mapping[str, Setting] | None = None,
        folds: bool = True,
    ) -> None:
        self.tokenizer = tokenizer
        self._folds = folds
        quiet = switches(tokenizer, on=False) if variables is None else variables
        self.template = Template(tokenizer, quiet)
        self.notes = [self.template.note] if self.template.note else []
        self._ends = end_ids(tokenizer)
        marks = (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, None)
        # Some tokenizers, which know every byte, have one token for all of these.
        self._unknown = "\0" if tokenizer.unk_token in marks else str(tokenizer.unk_token)
        special = {str(t) for t in tokenizer.added_tokens_decoder.values() if t.special}
        special |= {str(token) for token in tokenizer.all_special_tokens}
        self._marks = re.compile("|".join(map(re.escape, sorted(special, reverse=True))) or "(?!)")
        self._blank = lru_cache(maxsize=64)(self._is_blank)
        self._writes = lru_cache(maxsize=4096)(self._keeps)
        self._suffix = self._appended()

    @property
    def date(self) -> str | None:
        """The date that the template sees, if it can write one."""
        return dates.PINNED if self.template.dated else None

    def encode(self, probe: Probe) -> list[int]:
        """Token ids of a probe's prompt. Raises `PromptError` if they do not hold all of it."""
        if probe.text is None:
            return self.chat(probe.messages)[2]
        return self.raw(probe.text)

    def check_answer(self, probe: Probe) -> None:
        """Raise `PromptError` if a probe's answer does not survive the tokenizer.

        What a model cannot write, or what is read as something else, would count as forgotten.
        """
        writable = self._writes(probe.answer)
        if writable is None:
            # A judge takes other spellings too, and a small vocabulary may know only one of them.
            golds = (unicodedata.normalize("NFKC", gold) for gold in (probe.answer, *probe.aliases))
            writable = any(self._writes(way(gold)) for gold in golds for way in _SPELLINGS)
        if not writable:
            raise PromptError(f"its tokenizer cannot write the answer {probe.answer[:60]!r}")

    def raw(self, text: str) -> list[int]:
        """Token ids of a text, without what the tokenizer puts behind it. Raises `PromptError`."""
        ids = self._ids(text, special=True)
        if self._suffix and ids[-len(self._suffix) :] == self._suffix:
            ids = ids[: -len(self._suffix)]
            self._note("its tokenizer ends every text; prompts are left open")
        return self._read_back(ids, text, [text])

    def chat(self, turns: Sequence[Message]) -> tuple[TurnShape, str, list[int]]:
        """The form in which the template shows a whole conversation, the prompt, its token ids.

        Raises `PromptError` with the first reason if there is none.
        """
        contents = [t.content for t in turns if t.role != "system"]
        system = [t.content for t in turns if t.role == "system"]
        lost: list[PromptError] = []
        unrendered: list[PromptError] = []
        for form in shapes_for(turns, self._folds):
            try:
                for text, note in self.template.prompts(turns, form):
                    try:
                        ids = self._read_back(self._ids(text), text, contents, system)
                    except PromptError as error:
                        lost.append(error)
                        continue
                    self._note(note)
                    return form, text, ids
            except RenderError as error:
                unrendered.append(error)
        raise (lost or unrendered)[0]

    def _ids(self, text: str, special: bool = False) -> list[int]:
        """Token ids of a text, which begins once. Raises `PromptError`."""
        ids = token_ids(self.tokenizer, text, special=special)
        if len(ids) > 1 and ids[0] == ids[1] == self.tokenizer.bos_token_id:
            self._note("its prompts would begin twice; they begin once")
            del ids[0]
        return ids

    def _read_back(
        self, ids: list[int], whole: str, contents: Sequence[str], system: Sequence[str] = ()
    ) -> list[int]:
        """The ids, if they hold what is said, know every mark, and leave the answer open.

        Raises `PromptError`.
        """
        text = str(self.tokenizer.decode(ids, clean_up_tokenization_spaces=False))
        if missing(text, contents) or missing(text, system):
            # A word is missed without its mark as well; a line break may have no token.
            known = text.replace(self._unknown, " ")
            lost = missing(known, contents, folded) or missing(known, system, folded)
            if lost is not None:
                raise PromptError(f"its tokenizer does not keep {_difference(known, lost)}")
        if self._unknown in text and self.tokenizer.unk_token_id in ids:
            known = text.replace(self._unknown, " ")
            if missing(known, [whole], folded) is not None:
                raise PromptError(f"its tokenizer does not keep {_difference(known, whole)}")
            self._note("its tokenizer does not know the blanks of its prompts")
        self._check_added(text, whole)
        self._check_end(ids)
        return ids

    def _check_added(self, text: str, whole: str) -> None:
        """Raise `PromptError` if a decoded prompt says more than was to be said, marks aside."""
        if squeezed(text) == squeezed(whole):
            return
        decoded, planned = (
            _letters(self._marks.sub(" ", one.replace(self._unknown, " "))) for one in (text, whole)
        )
        if decoded != planned and len(decoded) >= len(planned):
            raise PromptError("its tokenizer puts words of its own into prompts")

    def _check_end(self, ids: Sequence[int]) -> None:
        """Raise `PromptError` if a prompt ends as an answer does."""
        token = next((t for t in reversed(ids) if t in self._ends or not self._blank(t)), None)
        if token in self._ends:
            mark = self.tokenizer.decode([token])
            raise PromptError(f"its prompts end with {mark!r}, where an answer ends")

    def _appended(self) -> list[int]:
        """What the tokenizer puts behind a text, as far as a short one shows it."""
        try:
            bare, whole = (token_ids(self.tokenizer, "a", special=s) for s in (False, True))
        except PromptError:
            return []
        for start in range(len(whole) - len(bare) + 1):
            if bare and whole[start : start + len(bare)] == bare:
                return whole[start + len(bare) :]
        return []

    def _keeps(self, gold: str) -> bool | None:
        """Whether letters and digits come back as they went in; None if some have no token."""
        try:
            ids = token_ids(self.tokenizer, gold)
        except PromptError:
            return None
        back = str(self.tokenizer.decode(ids, clean_up_tokenization_spaces=False))
        if _letters(gold) in _letters(back):
            return True
        return None if self.tokenizer.unk_token_id in ids else False

    def _is_blank(self, token: int) -> bool:
        return not str(self.tokenizer.decode([token])).strip()

    def _note(self, text: str) -> None:
        if text and text not in self.notes:
            self.notes.append(text)


def encode(tokenizer: PreTrainedTokenizerBase, probe: Probe) -> list[int]:
    """Token ids of a probe's prompt, without thoughts; see `Prompter.encode`."""
    return prompter(tokenizer).encode(probe)


def prompter(tokenizer: PreTrainedTokenizerBase) -> Prompter:
    """The tokenizer's `Prompter`, kept as long as its template is the same."""
    return _kept_prompter(tokenizer, *choose_template(tokenizer))


@lru_cache(maxsize=4)
def _kept_prompter(tokenizer: PreTrainedTokenizerBase, _name: str, _template: str) -> Prompter:
    return Prompter(tokenizer)


def _letters(text: str) -> str:
    """The letters and digits of a text, in one spelling."""
    return "".join(filter(str.isalnum, folded(text)))


def _difference(text: str, lost: str) -> str:
    """The first word of what is lost that the text lacks, else how it begins."""
    words = lost.split()
    plain = folded(text)
    word = next((w for w in words if folded(w) not in plain), None)
    return f"the word {word!r} of a prompt" if word else repr(" ".join(words)[:60])
