"""Serves the console until a signal ends it."""

from __future__ import annotations

import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from watchkeeper.schemas.errors import ConfigurationError

STOP_SECONDS: Final = 5
"""How long answers may go on after SIGTERM; live pages never end by themselves."""


def listening(host: str, port: int) -> socket.socket:
    """A socket on which the console will be served.

    Raises:
        ConfigurationError: the port is taken, or the address is not this machine's; the message says what to give.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(128)
    except OSError as error:
        opened.close()
        message = f"the console cannot listen on {host}:{port} ({error.strerror}): give another --port or --bind"
        raise ConfigurationError(message) from error
    opened.set_inheritable(False)
    return opened


def server_of(app: ASGIApp) -> uvicorn.Server:
    """The server, to be run on a socket of `listening`."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="off",
    )
    return uvicorn.Server(config)
