"""The broker's side of the worker processes: starting, feeding, watching and replacing them."""
