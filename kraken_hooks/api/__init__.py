"""The author's API: what a hook file can import from `kraken_hooks`, inside the sandbox and outside it.

All of it runs in a worker process (or in the author's own pytest) in one thread and only records into the current run.
It holds no setting, client, socket or disk.
"""
