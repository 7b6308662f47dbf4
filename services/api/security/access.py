"""Who may ask for what: scopes, principals, and the dependency that paths are guarded with.

The guards (`services/api/security/guards.py`) find out who asks, before any path is reached, and
refuse whoever has no credentials. A path says which scope it needs:

    router = APIRouter(dependencies=[Depends(requires(Scope.SUBMIT))])
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, Literal

from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.types import Scope as Connection

from services.api.problems import ProblemError

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="dermtwin"'}
_STATE: Final = "principal"


class Scope(StrEnum):
    """What a key is good for. None includes another: a key names all that it may do."""

    READ = "read"  # see cases, states, images
    SUBMIT = "submit"  # send in cases and feedback
    OPERATE = "operate"  # change what the twin does; read who did what


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Parameters:
        id: of the key, or "loopback".
        name: that the key was given.
        scopes: what it may do.
        via: how we know.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    via: Literal["loopback", "key"]


LOOPBACK: Final = Principal("loopback", "this machine", frozenset(Scope), "loopback")
"""Who asks from this machine, of a server that only this machine reaches."""


def admit(connection: Connection, principal: Principal) -> None:
    """Note who asks, for the paths; the guards call it."""
    connection.setdefault("state", {})[_STATE] = principal


def known(connection: Connection) -> Principal | None:
    """Return who asks, or None where nobody has said so: a public path, or a refused request."""
    found = connection.get("state", {}).get(_STATE)
    return found if isinstance(found, Principal) else None


class Requires(SecurityBase):
    """A dependency that lets in whoever has a scope, and returns the principal.

    It is asynchronous because FastAPI would send a plain function to a thread, which costs more
    than all guards together.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.scheme_name = "key"
        self.model = HTTPBearer(
            bearerFormat="dt_<id>_<secret>",
            description="A key made by `dermtwin keys create`; X-API-Key does as well. On the"
            " machine itself, a server bound to a loopback address needs none.",
        )

    async def __call__(self, request: Request) -> Principal:
        """Return who asks.

        Raises:
            ProblemError: 401 where nobody is known, 403 where the scope is missing.
        """
        principal = known(request.scope)
        if principal is None:
            raise ProblemError(401, "a key is needed", headers=CHALLENGE)
        if self.scope not in principal.scopes:
            raise ProblemError(
                403, f"the key lacks the scope {self.scope}", missing_scope=str(self.scope)
            )
        return principal


@cache
def requires(scope: Scope) -> Requires:
    """Return the dependency of paths that need a scope; the same one each time.

    Parameters:
        scope: that the principal must have.
    """
    return Requires(scope)
