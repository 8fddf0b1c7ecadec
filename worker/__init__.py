"""The hands: processes that run exports and keep the clock."""
