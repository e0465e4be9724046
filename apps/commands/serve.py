"""`advisor serve`: answers over HTTP, OpenAI-compatible, on this machine alone unless told otherwise."""

from __future__ import annotations

import argparse
import errno
import socket
from pathlib import Path

from apps.commands.ask import add_answering

LOOPBACK = ("127.0.0.1", "localhost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_answering(parser)
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8080)")
    parser.add_argument(
        "--key-file", metavar="FILE", help="a file with the key that clients must send as Bearer token"
    )


def run(args: argparse.Namespace) -> int:
    try:
        import uvicorn

        from apps.service import LOOPBACK_NAMES, create_app
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Serving needs {error.name}: pip install 'llm-adaptation-advisor[serve]'"
        ) from error
    from apps.feedback import feedback_store
    from apps.generators import Extractive
    from apps.opening import open_assistant, open_classifier
    from apps.settings import load_settings

    settings = load_settings(vars(args))
    key = _read_key(args.key_file)
    # Taken before a model is loaded, which may take minutes: a port in use is said at once.
    listener = listen(settings.host, settings.port)
    with listener:
        classifier = open_classifier(settings)
        assistant = open_assistant(settings, classifier)
        if assistant.retriever is None and isinstance(assistant.generator, Extractive):
            raise ValueError("Nothing to answer with; give --index, --model or --api-base.")
        if assistant.retriever is not None:
            assistant.retriever.search("ready", k=1)  # loads the embedder now and not for the first client
        app = create_app(
            assistant,
            api_key=key,
            classifier=classifier,
            allowed_hosts=LOOPBACK_NAMES if settings.host in LOOPBACK else None,
            feedback=feedback_store(settings),
        )
        host, port = listener.getsockname()[:2]
        print(f"Serving on http://{host}:{port}/v1 (health: /healthz); Ctrl-C stops.", flush=True)
        if settings.host not in LOOPBACK and not key:
            print("Anyone who reaches this address can ask; --key-file FILE asks for a key.", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises OSError in one line for a port in use or an address not of this machine."""
    if not 0 <= port <= 65535:
        raise ValueError(f"Port {port} does not exist; give one from 1 to 65535, or 0 for a free one.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise OSError(f"Cannot listen on {host!r}: {error.strerror}; give --host 127.0.0.1.") from None
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen()
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"Port {port} on {host} is in use; give another with --port.") from None
        raise OSError(
            f"Cannot listen on {host}:{port}: {error.strerror}; give another --host or --port."
        ) from None
    return found


def _read_key(path: str | None) -> str | None:
    if path is None:
        return None
    key = Path(path).read_text("utf-8").strip()
    if not key:
        raise ValueError(f"{path} is empty; write the key that clients must send into it.")
    return key
