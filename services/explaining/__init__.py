"""Explanations as files: pictures, arrays, and a page that opens offline."""
