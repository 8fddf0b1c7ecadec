"""Who may do what: users, sessions, tokens, permissions."""
