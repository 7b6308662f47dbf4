"""What the API answers, as OpenAPI tells it. Units stand in the names."""
