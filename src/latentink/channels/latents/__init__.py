"""The latents channel: the message is in the symbols of the file."""
