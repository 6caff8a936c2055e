"""A judge of preferences: the settings of a judge's folder, and `preference.md` beside them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from unlearnbench.errors import JudgeError
from unlearnbench.judging.llm.definition import JudgeDefinition, JudgeFile, definition_names
from unlearnbench.naming import nearest
from unlearnbench.paths import content_root
from unlearnbench.remote.settings import Role, prompt_in, settings_in

OPTION = "--utility-judge"
INSTRUCTIONS = "preference.md"
"""The file of the instructions in a judge's folder."""


class PreferenceJudgeFile(JudgeFile):
    """`judge.toml`, read for its model and settings."""

    role: ClassVar[Role] = Role("judge", JudgeError, "judge.toml", OPTION)


def preference_judges() -> list[str]:
    """Names of the shipped judges that compare answers."""
    root = content_root() / "judges"
    return [name for name in definition_names() if (root / name / INSTRUCTIONS).is_file()]


def load_preference_definition(spec: str) -> JudgeDefinition:
    """The shipped judge `spec`, the one in the folder `spec`, or `NAME:MODEL`.

    Raises `JudgeError` for an unknown name, a judge that compares no answers, or with the file and
    the wrong key.
    """
    name, _, model = spec.partition(":")
    whole = _definition(spec)
    if whole is not None:
        return whole
    definition = _definition(name)
    if definition is None:
        hint = nearest(name, preference_judges())
        raise JudgeError(
            f"{OPTION} {spec[:80]}: no language model that compares answers, and no folder with a "
            f"judge.toml; {hint}"
        )
    return definition.with_model(model) if model else definition


def _definition(name: str) -> JudgeDefinition | None:
    shipped = name in definition_names()
    folder = content_root() / "judges" / name if shipped else Path(name)
    file = settings_in(folder, PreferenceJudgeFile)
    if file is None:
        return None
    if file.provider == "jury":
        raise JudgeError(f"{OPTION} {name}: a jury compares no answers; name one of its members")
    prompt = prompt_in(folder / INSTRUCTIONS, PreferenceJudgeFile.role)
    return JudgeDefinition(folder.name, file, prompt)
