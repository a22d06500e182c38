"""Which hooks want a message. Pure: patterns compiled once, an immutable table, no I/O."""
