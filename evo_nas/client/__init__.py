"""`Client`: a service (`evo-nas serve`) from Python; `ServiceSession` follows one of its searches like any other."""

from evo_nas.client.client import Client
from evo_nas.client.connection import ServiceError
from evo_nas.client.run import RemoteRun
from evo_nas.client.session import ServiceSession

__all__ = ["Client", "RemoteRun", "ServiceError", "ServiceSession"]
