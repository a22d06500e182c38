"""The door for the machine's own commands (`status`, `sink pause`): a Unix socket in the state directory."""
