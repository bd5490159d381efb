"""The scale hyperprior (Ballé et al. 2018): symbols have mean 0.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018.
"""
