"""Settings: general ones, personal tokens, the own password, health."""
