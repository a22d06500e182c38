"""One message's life: matched, run, committed, answered; or put into the inbox and run later. Runs on the event loop."""
