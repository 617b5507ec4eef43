"""The exceptions a user can cause: one line each, saying what was given and what to do."""


class LandscapeError(Exception):
    """Base of every error that a user can cause.

    The message is one line: it names the argument or key, the value received and the remedy.
    The command line prints it without a traceback and exits with ``exit_code``.
    """

    exit_code = 2


class UsageError(LandscapeError):
    """An option, configuration key or argument has a value that makes no sense."""


class ProblemError(LandscapeError):
    """The user's problem can't be imported, built or evaluated."""


class CheckpointError(LandscapeError):
    """A checkpoint is missing, unreadable or does not fit the model."""


class StoreError(LandscapeError):
    """A surface file can't be read or written, or is not one of ours."""
