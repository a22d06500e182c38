"""Hook files: read from their directory, watched, loaded, swapped. Runs in the watch thread and on the event loop."""
