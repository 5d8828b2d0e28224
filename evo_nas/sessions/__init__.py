"""Searches that run in this process or in a cluster, and the events that they emit.

Every front end (the command line, Python, a service) uses the same interface, `Session`: `start` a search, iterate over
its `events`, `stop` it. `LocalSession` runs the search in this process. `ActorSession` follows a `PopulationManager` in
the cluster that this process is part of. `JobSession` follows a job in a cluster that is reached over HTTP.
`open_session` chooses one of them by the address. All yield the same frozen events, which convert to JSON and back.
"""

from evo_nas.sessions.choice import open_session
from evo_nas.sessions.events import Event
from evo_nas.sessions.session import Session

__all__ = ["Event", "Session", "open_session"]
