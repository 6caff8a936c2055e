"""One error class for each boundary at which a user's input or a machine can be at fault.

Every message says what is wrong, where, and what to do about it. The command line prints it
as one line and exits with 2; anything else that escapes is a bug and exits with 3.
"""


class UnlearnbenchError(Exception):
    """Base of all errors that the user or the surroundings, not the program, can mend."""


class BenchmarkError(UnlearnbenchError):
    """A benchmark's declaration or one of its rows breaks a rule.

    `rule` is the rule's stable name (for example `duplicate-id`); `where` is `file:line`.
    """

    def __init__(self, rule: str, where: str, what: str) -> None:
        super().__init__(f"{where}: {rule}: {what}")
        self.rule = rule
        self.where = where


class UnreadableError(UnlearnbenchError, ValueError):
    """A file cannot be read as what it should be.

    `code` is a stable name (`missing`, `not-a-file`, `too-large`, `unreadable`, `not-utf-8`,
    `not-json`, `not-toml`, `too-deep`), `where` the file, `what` the fault in words.
    """

    def __init__(self, code: str, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.code = code
        self.where = where
        self.what = what


class CheckpointError(UnlearnbenchError):
    """A checkpoint cannot be found, is unsafe to load, damaged, or does not fit."""


class EngineError(UnlearnbenchError):
    """A generation engine cannot do what it was asked to."""


class TrainingError(UnlearnbenchError):
    """Training cannot start, or had to stop, with what it was given."""


class JudgeError(UnlearnbenchError):
    """A judge is unknown, misconfigured, or fed with unreadable items."""


class RunError(UnlearnbenchError):
    """A run folder is missing, damaged, in use, unwritable, or belongs to something else."""


class SubmissionError(UnlearnbenchError):
    """A submission cannot be made, or is not one."""


class PluginError(UnlearnbenchError):
    """A name is registered twice, unknown, or its implementation cannot be loaded."""


class MissingExtraError(UnlearnbenchError):
    """A library that only some commands need is not installed."""


class OpenScoreError(UnlearnbenchError):
    """A score was read as one number although some of its facts are still open."""
