"""The one exception tree of evo-nas.

::

    EvoNasError
    ├── ConfigError        a configuration file or option a person can mend
    ├── DataError          a data file a person can mend
    ├── GenomeError        a genome, cell or architecture that means nothing
    ├── RunError           a run directory that cannot be used as asked
    │   ├── ConfigChangedError   the run was started with another configuration
    │   ├── DataChangedError     the files that it learns from have changed
    │   ├── FencedError          another process has taken the run over
    │   ├── FormatError          the run was written by a newer evo-nas
    │   └── CorruptLedgerError   committed rows are damaged or missing
    ├── ExecutionError     workers cannot be started or kept
    └── ChampionError      there is nothing to export, or it cannot be read

Every message names the field, the value received, the values permitted and what to do. The command
line prints the message alone and leaves with exit code 2.
"""


class EvoNasError(Exception):
    """Base of every error that evo-nas raises on purpose."""


class ConfigError(EvoNasError):
    """A configuration file or option that must be mended by the person who wrote it."""


class DataError(EvoNasError):
    """A data file that is missing, unreadable or unusable for the task."""


class GenomeError(EvoNasError):
    """A genome, cell graph or architecture that is out of bounds or malformed."""


class RunError(EvoNasError):
    """A run directory that cannot be used as asked."""


class ConfigChangedError(RunError):
    """The run exists and was started with another configuration."""


class DataChangedError(RunError):
    """The run was started on other data."""


class FencedError(RunError):
    """Another process has claimed a later epoch of this run; this one must not write any more."""


class FormatError(RunError):
    """The run was written in a format that this version cannot read."""


class CorruptLedgerError(RunError):
    """Committed segments are damaged or missing: disk damage, not a crash."""


class ExecutionError(EvoNasError):
    """Workers cannot be started or kept alive."""


class ChampionError(EvoNasError):
    """A champion cannot be chosen, exported or loaded."""
