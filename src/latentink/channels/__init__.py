"""Where the bits live. The pixels channel reads them from the decoded picture with a network.

The networks, a file each: :mod:`~latentink.channels.dense` and :mod:`~latentink.channels.basic`
(SteganoGAN), :mod:`~latentink.channels.keyed` (FNNS-R, weights drawn from the password's key).
:mod:`~latentink.channels.registry` loads them by name.
"""
