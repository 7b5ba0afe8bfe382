"""Every table of publishing."""

from publishing.models.deliveries import (
    UNSETTLED,
    Attempt,
    Delivery,
    DeliveryState,
    Holding,
    Intervention,
)
from publishing.models.endpoints import (
    LIVE,
    AuthKind,
    Endpoint,
    EndpointKind,
    EndpointState,
    Lane,
    Mode,
    SigningSecret,
)

__all__ = [
    "LIVE",
    "UNSETTLED",
    "Attempt",
    "AuthKind",
    "Delivery",
    "DeliveryState",
    "Endpoint",
    "EndpointKind",
    "EndpointState",
    "Holding",
    "Intervention",
    "Lane",
    "Mode",
    "SigningSecret",
]
