"""Photos to latents to bytes and back: the codecs, and where their weights come from."""
