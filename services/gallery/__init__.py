"""The gallery: pictures by diagnosis, tone and shift with their scores, for people to look at."""
