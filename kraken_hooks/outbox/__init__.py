"""Durable storage: inbox, outbox, dead letters, state and the store's points, behind one contract (`base`)."""
