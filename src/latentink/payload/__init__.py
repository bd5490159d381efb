"""From a message to exactly n raw bits and back: keys, sealing, error-correcting code, preamble.

The modules, in the order in which a message passes through them:

* :mod:`~latentink.payload.keys`: password to master key to subkeys;
* :mod:`~latentink.payload.sealing`: compression and authenticated encryption;
* :mod:`~latentink.payload.ldpc`: the error-correcting code, any number of bits to any larger one;
* :mod:`~latentink.payload.frame`: sealed bytes to raw bits, and how many fit;
* :mod:`~latentink.payload.preamble`: the short header that tells the receiver what follows;
* :mod:`~latentink.payload.keystream`: the random generator behind all of them.

``docs/payload.md`` specifies the format.
"""
