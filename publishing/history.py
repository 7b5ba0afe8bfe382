"""Changes of endpoints, each with a row in its history that says who and why."""

from collections.abc import Sequence

from mdm.cause import Actor
from publishing.models import Endpoint, EndpointState


def change_state(row: Endpoint, state: EndpointState, reason: str, by: Actor) -> None:
    """Set the state of a locked endpoint, with its history row."""
    row.state, row.state_reason = state, reason[:300]
    save(row, by=by, reason=reason, fields=["state", "state_reason", "updated_at"])


def save(row: Endpoint, *, by: Actor, reason: str, fields: Sequence[str] | None = None) -> None:
    """Save an endpoint and say in its history who and why."""
    row._change_reason = reason[:100] or None  # type: ignore[attr-defined]
    row._history_user_id = by.user_id  # type: ignore[attr-defined]
    row.save(update_fields=fields)
