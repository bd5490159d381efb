"""Networks that judge how a picture looks: LPIPS and HiFiC's discriminator."""
