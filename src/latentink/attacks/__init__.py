"""What happens to a picture on its way: re-encoding, rescaling, sharpening, gamma."""
