"""The errors that users can cause or correct, one class for each part of the system.

Every message says what is wrong, where, and what to do about it. The command line prints it
as one line and exits with 2; any other exception is a bug and exits with 3.
"""


class UnlearnbenchError(Exception):
    """Base class of all errors that come from input or environment, not from a bug."""


class BenchmarkError(UnlearnbenchError):
    """A benchmark's declaration or one of its rows breaks a rule.

    `rule` is the rule's stable name (for example `duplicate-id`); `where` is `file:line`.
    """

    def __init__(self, rule: str, where: str, what: str) -> None:
        super().__init__(f"{where}: {rule}: {what}")
        self.rule = rule
        self.where = where


class TableError(BenchmarkError):
    """A user's table has faults: `problems` lists them, each with its `file:row`.

    `count` is how many there are; not all of many are listed.
    """

    def __init__(self, table: str, problems: tuple[str, ...], count: int) -> None:
        super().__init__("bad-table", table, "; ".join(problems))
        self.problems = problems
        self.count = count


class UnreadableError(UnlearnbenchError, ValueError):
    """A file cannot be read, or does not have the expected format.

    `code` is a stable name (`missing`, `not-a-file`, `too-large`, `unreadable`, `not-utf-8`,
    `not-json`, `not-toml`, `too-deep`), `where` the file, `what` a description of the fault.
    """

    def __init__(self, code: str, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.code = code
        self.where = where
        self.what = what


class CheckpointError(UnlearnbenchError):
    """A checkpoint cannot be found, is unsafe to load, damaged, or does not fit."""


class EngineError(UnlearnbenchError):
    """A generation engine cannot do what was requested."""


class TrainingError(UnlearnbenchError):
    """Training cannot start or go on with the given model, data or settings."""


class ElsewhereError(TrainingError):
    """What stopped another of several processes, which has said so itself."""


class JudgeError(UnlearnbenchError):
    """A judge is unknown or misconfigured, or its items cannot be read."""


class ParaphraserError(UnlearnbenchError):
    """A paraphraser or second reader is unknown or misconfigured, or its replies cannot be kept."""


class RunError(UnlearnbenchError):
    """A run folder is missing, damaged, in use, unwritable, or belongs to something else."""


class SubmissionError(UnlearnbenchError):
    """A submission cannot be made, or a folder is not a submission."""


class CampaignError(UnlearnbenchError):
    """A plan cannot be read, or its workflow cannot be started."""


class PluginError(UnlearnbenchError):
    """A name is registered twice, unknown, or its implementation cannot be loaded."""


class MissingExtraError(UnlearnbenchError):
    """A library that only some commands need is not installed."""


class OpenScoreError(UnlearnbenchError):
    """A score's value was read while some of its facts are open."""
