"""Where the bits live. The pixels channel reads them from the decoded picture with a network."""
