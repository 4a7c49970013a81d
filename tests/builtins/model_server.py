"""A loopback Messages API that answers from a list: content blocks, or a status with a message."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def say(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def use(name: str, **given: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": given}


class ModelServer:
    """Plays `answers` in order; keeps what was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append(body)
                outer.paths.append(self.path)
                outer.play(self, outer.answers.pop(0) if outer.answers else [say("nothing left to say")])

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/r/token"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def play(self, request: BaseHTTPRequestHandler, answer: Any) -> None:
        if isinstance(answer, tuple):
            self._refuse(request, *answer)
        elif isinstance(answer, str):
            self._cut(request)
        else:
            self._send(request, 200, "text/event-stream", "".join(map(_line, _events(answer))).encode())

    def _refuse(self, request: BaseHTTPRequestHandler, status: int, message: str) -> None:
        body = {"type": "error", "error": {"type": "billing_error", "message": message}}
        self._send(request, status, "application/json", json.dumps(body).encode())

    def _cut(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-type", "text/event-stream")
        request.send_header("content-length", "100000")
        request.end_headers()
        request.wfile.write(_line(_events([say("half")])[0]).encode())
        request.close_connection = True

    def _send(self, request: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        request.send_response(status)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(body)))
        request.send_header("x-should-retry", "false")
        request.end_headers()
        request.wfile.write(body)


def _line(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _events(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    usage = {"input_tokens": 10, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**head, "stop_reason": None, "stop_sequence": None}}
    ]
    for index, block in enumerate(content):
        text = block["type"] == "text"
        start = {"type": "text", "text": ""} if text else {**block, "input": {}}
        delta = (
            {"type": "text_delta", "text": block["text"]}
            if text
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        events += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    stop = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": None},
        "usage": {"output_tokens": 9},
    }
    return [*events, end, {"type": "message_stop"}]
