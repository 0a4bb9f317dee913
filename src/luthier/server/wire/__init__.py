"""Wire types: what clients send, as pydantic models, and what they get, as functions from our records to plain dicts."""
