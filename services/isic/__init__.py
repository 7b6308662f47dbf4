"""Downloads from the ISIC archive."""
