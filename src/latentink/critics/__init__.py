"""Networks that judge a picture: LPIPS and HiFiC's discriminator."""
