"""Where the ISIC archive is."""

from typing import Final

ISIC_API: Final = "https://api.isic-archive.com/api/v2"
