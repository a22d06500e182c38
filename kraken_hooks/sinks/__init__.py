"""Places that effects go to. One file per sink, one list of them (`registry`)."""
