"""Asks the model through the meter; alone in knowing the anthropic SDK."""

from __future__ import annotations

import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SENT_BACK = ("type", "text", "id", "name", "input", "thinking", "signature", "data")


class ModelError(Exception):
    """The model gave no answer; the message is for the operator."""


class Call(NamedTuple):
    """One tool that the model wants to be used."""

    id: str
    name: str
    given: object


class Answer(NamedTuple):
    """What the model said, ready to be sent back, and what it wants done."""

    content: list[dict[str, Any]]
    texts: list[str]
    calls: list[Call]
    stop: str


class Model:
    """One model behind one base URL, asked in streams."""

    def __init__(self, base_url: str, token: str, name: str, *, max_tokens: int, retries: int) -> None:
        import anthropic  # 1.4 s to import
        import httpx2  # what the SDK speaks; it lets errors in mid-stream through as they are

        self._sdk = anthropic
        self._cut = httpx2.TransportError
        self._patience = retries
        self._name = name
        self._max_tokens = max_tokens
        self._host = urlsplit(base_url).netloc or base_url[:40]
        self._client = anthropic.Anthropic(base_url=base_url, api_key=token, max_retries=retries)

    def ask(self, system: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Answer:
        """Returns the model's next answer.

        Raises:
            ModelError: the API refused, or could not be reached.
        """
        request: dict[str, Any] = {"messages": _marked(messages), "tools": tools, "system": [_cached(system)]}
        for attempt in range(self._patience):
            try:
                return self._stream(request)
            except self._cut:
                time.sleep(min(0.5 * 2**attempt, 8.0))
        try:
            return self._stream(request)
        except self._cut as trouble:
            raise ModelError(f"the model's answer broke off at {self._host}: {trouble}") from trouble

    def close(self) -> None:
        """Lets go of the connections."""
        self._client.close()

    def _stream(self, request: dict[str, Any]) -> Answer:
        try:
            with self._client.messages.stream(model=self._name, max_tokens=self._max_tokens, **request) as stream:
                message = stream.get_final_message()
        except self._sdk.APIStatusError as trouble:
            raise ModelError(_refusal(trouble.status_code, trouble.message)) from trouble
        except self._sdk.APIConnectionError as trouble:
            raise ModelError(f"the model cannot be reached at {self._host}: {trouble}") from trouble
        except self._sdk.AnthropicError as trouble:
            raise ModelError(f"the model's answer cannot be used: {trouble}") from trouble
        if message.stop_reason is None:
            raise self._cut("the stream ended before the answer did")
        return _answer(message)


def _answer(message: Any) -> Answer:
    blocks = [block.model_dump(mode="json", include=set(SENT_BACK), exclude_none=True) for block in message.content]
    content = [block for block in blocks if block["type"] != "text" or block["text"].strip()]
    return Answer(
        content=content,
        texts=[block["text"] for block in content if block["type"] == "text"],
        calls=[Call(b["id"], b["name"], b["input"]) for b in content if b["type"] == "tool_use"],
        stop=str(message.stop_reason or ""),
    )


def _cached(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def _marked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the messages with a cache mark on the last block, so that the next turn reads what this one wrote."""
    *before, last = messages
    *blocks, final = last["content"]
    return [*before, {**last, "content": [*blocks, {**final, "cache_control": {"type": "ephemeral"}}]}]


def _refusal(status: int, message: str) -> str:
    words = " ".join(message.split())[:300]
    match status:
        case 401 | 403:
            return f"the meter does not accept this agent's token ({status}): {words}"
        case 402:
            return f"the budget is used up (402): {words}"
        case 404:
            return f"the model is not known (404): {words}"
        case _:
            return f"the model API answered {status}: {words}"
