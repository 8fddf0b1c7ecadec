"""What has become of the orders by telephone, as the carrier's system says it in XML."""

from __future__ import annotations

from sandbox.catalogue.sheet import Note, Row, Sheet

ORDER, STATUS, PARCEL = "externalId", "status", "shippingTrackingUrl"
ADDRESS = "https://parcels.example/TEL-1004"


def statuses() -> Sheet:
    """Of orders that say no status themselves."""
    told = (
        ("TEL-1001", "WAITING_SHIPMENT", "", None),
        ("TEL-1004", "SHIPPED", ADDRESS, None),
        ("TEL-1007", "CANCELED", "", None),
        ("TEL-1010", "SHIPPED", "parcel 12", Note("malformed", "shippingTrackingUrl")),
        ("TEL-1007", "SHIPPED", "", Note("illegal_move", "orderStatus")),
        ("TEL-1999", "SHIPPED", "", Note("unknown_key", "orderExternalId")),
        ("TEL-1001", "On the lorry", "", Note("malformed", "orderStatus")),
        ("TEL-1001", "", "", Note("required", "orderStatus")),
    )
    rows = [Row(dict(zip((ORDER, STATUS, PARCEL), cells, strict=True)), fault) for *cells, fault in told]
    return Sheet("ORDER_STATUS", "statuses.xml", (ORDER, STATUS, PARCEL), rows, "", elements=("Orders", "Order"))
