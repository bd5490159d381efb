"""Where a message lives: one folder a channel, with sender and receiver side by side."""
