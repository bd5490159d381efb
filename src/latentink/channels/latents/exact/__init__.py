"""Hidden by proof: the message sets the encoder's coins, and they stay fair and independent.

::

    sender    sealed message ─► bits of each block ─┐
              coins p₀ of the free symbols ─────────┴─► p with H·p = bits, uniform among those ─► y
    receiver  y ─► parities p of all eligible symbols ─► H·p = bits ─► sealed message

H is a keyed random binary matrix. Only the sender knows which symbols are free (codecs/coins.py),
and the receiver need not: that is the *wet paper code* of Fridrich, Goljan, Lisoněk and Soukal,
"Writing on wet paper", IEEE Trans. Signal Processing 2005. docs/security.md has the theorem.
"""
