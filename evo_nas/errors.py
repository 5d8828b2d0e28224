"""The one exception tree of evo-nas.

::

    EvoNasError
    ├── ConfigError        a wrong configuration file or option
    ├── DataError          a data file that cannot be used
    ├── GenomeError        an invalid genome, cell or architecture
    ├── RunError           a run directory that cannot be used as asked
    │   ├── ConfigChangedError   the run was started with another configuration
    │   ├── DataChangedError     the data files have changed since the run was started
    │   ├── FencedError          another process has taken the run over
    │   ├── FormatError          the run was written by a newer evo-nas
    │   └── CorruptLedgerError   committed rows are damaged or missing
    ├── ExecutionError     workers cannot be started or kept
    └── ChampionError      no champion can be chosen, exported or loaded

Every message names the field, the value received, the values permitted and what to do. The command line
prints only the message and exits with code 2.
"""


class EvoNasError(Exception):
    """Base of every error that evo-nas raises on purpose."""


class ConfigError(EvoNasError):
    """A configuration file or option is wrong, and its author must correct it."""


class DataError(EvoNasError):
    """A data file is missing, unreadable or unusable for the task; the message is one line."""

    def __init__(self, message: str) -> None:
        # Names of columns and files are the user's, and may hold line breaks themselves.
        super().__init__("\\n".join(message.splitlines()))


class GenomeError(EvoNasError):
    """A genome, cell graph or architecture is out of bounds or malformed."""


class RunError(EvoNasError):
    """A run directory cannot be used as asked."""


class ConfigChangedError(RunError):
    """The run exists and was started with another configuration."""


class DataChangedError(RunError):
    """The run was started on other data."""


class FencedError(RunError):
    """Another process has taken the run over; this one must not write to it any more."""


class FormatError(RunError):
    """The run was written in a newer format, which this version cannot read."""


class CorruptLedgerError(RunError):
    """Committed segments are damaged or missing; a crash alone never causes that."""


class ExecutionError(EvoNasError):
    """Workers cannot be started or kept alive."""


class ChampionError(EvoNasError):
    """A champion cannot be chosen, exported or loaded."""
