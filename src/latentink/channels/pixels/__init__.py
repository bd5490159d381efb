"""The pixels channel: a network reads the message from the decoded picture."""
