"""Turns a message into exactly as many raw bits as a channel asks for, and back.

The modules, in the order in which a message passes through them:

* :mod:`~latentink.payload.keys`: from a password to the master key, from that to subkeys;
* :mod:`~latentink.payload.sealing`: compression and authenticated encryption;
* :mod:`~latentink.payload.ldpc`: the error-correcting code, for any number of bits in and out;
* :mod:`~latentink.payload.frame`: sealed bytes in raw bits, and how many bytes fit;
* :mod:`~latentink.payload.preamble`: the short header that tells the receiver what follows;
* :mod:`~latentink.payload.keystream`: the random generator that all of them use.

``docs/payload.md`` specifies the format.
"""
