"""Effects out of the outbox into their sinks: a courier for each sink, in a thread of its own."""
