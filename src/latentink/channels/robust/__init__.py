"""The robust channel: the message is in low frequencies of an ordinary picture, which stay."""
