"""A search that is being run somewhere, and what it says.

`Session` is the one interface of every front end - the command line, Python, a service: `start` a search, iterate over
its `events`, `stop` it. `LocalSession` runs it in this process, `ActorSession` follows a `PopulationManager` in the
cluster that this process is part of, `JobSession` a job that does the same in a cluster that is reached by HTTP.
`open_session` chooses by the address. What they yield is the same: frozen events that become JSON and back.
"""

from evo_nas.sessions.choice import open_session
from evo_nas.sessions.events import Event
from evo_nas.sessions.session import Session

__all__ = ["Event", "Session", "open_session"]
