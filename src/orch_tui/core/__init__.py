"""The verbs: use cases over ports; asyncio, no IO of its own."""
