"""Photo to latents to bitstream and back: the codecs and where their weights come from."""
