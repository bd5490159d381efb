"""The sender's work, a channel a file: a sealed message and a photo in, latents that carry out."""
