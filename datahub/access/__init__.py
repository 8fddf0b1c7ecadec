"""Who may do what: users and their passwords, browser sessions, API tokens. The edges commit."""
