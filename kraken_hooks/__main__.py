"""`python -m kraken_hooks`."""

from kraken_hooks.cli import main

main()
