"""Asks an application without a server; FastAPI's own client wants another library."""

import asyncio

import httpx


class AsgiClient:
    """Each request has an event loop of its own, so tests need not be asynchronous."""

    def __init__(self, app):
        self.app = app

    def get(self, path, headers=None):
        async def ask():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())
