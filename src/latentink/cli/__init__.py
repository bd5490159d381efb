"""The command line, one file a command; networks are imported when a command needs them."""
