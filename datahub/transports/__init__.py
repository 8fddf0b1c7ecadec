"""How files travel: one file per protocol, all through the gate in outbound.py."""
