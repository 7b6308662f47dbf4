"""The page at `/`: plain files, served as they are; nothing is built and nothing is fetched."""
