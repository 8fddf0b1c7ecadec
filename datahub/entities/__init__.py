"""What the hub moves: one file per entity, found through the registry."""
