"""One model behind one server: what it says of itself, and one request at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pydantic import ValidationError

from unlearnbench.engines.endpoint.address import KEY, key_for
from unlearnbench.engines.endpoint.wire import Listed, Listing, ServerReply, parse_reply
from unlearnbench.errors import EngineError
from unlearnbench.hashing import sha256_json
from unlearnbench.remote.errors import RejectedError, TransientError
from unlearnbench.remote.http import scrubbed
from unlearnbench.remote.model_names import same_model
from unlearnbench.remote.openai import OpenAIServer


class ServedModel:
    """The model called `model` at `address`. Raises `EngineError` if nothing answers there.

    `listing` holds the models that the server lists, `listed` this one if it is among them: some
    serve more than they list.
    """

    def __init__(self, address: str, model: str, timeout_s: float) -> None:
        self.address = address
        self.model = model
        self._server = OpenAIServer(key_for(address), timeout_s, address, _hint)
        self._lock = threading.Lock()
        self._configurations: set[str] = set()
        self.listing, self._software = self._look_up()
        self.listed = self._entry()

    @property
    def fingerprint(self) -> str:
        """sha256 of the model's id and of what the server says of the model and of itself."""
        listed = self.listed.model_dump() if self.listed else None
        return sha256_json([self.model, listed, self._software])

    @property
    def configurations(self) -> Sequence[str]:
        """What the server has called its configuration (`system_fingerprint`) in its replies."""
        with self._lock:
            return sorted(self._configurations)

    def ask(self, body: dict[str, object]) -> ServerReply:
        """The reply to one request. Raises `TransientError` or `RejectedError`."""
        api = self._server.client
        kind = api.chat.completions if "messages" in body else api.completions
        known = {name: body[name] for name in ("model", "messages", "prompt") if name in body}
        more = {name: value for name, value in body.items() if name not in known}
        with self._server.errors():
            raw = kind.with_raw_response.create(**known, extra_body=more)
            reply = parse_reply(raw.http_response.text)
        if not same_model(self.model, reply.model):
            raise RejectedError(scrubbed(f"asked {self.model}, {reply.model!r} answered")[:200])
        if reply.system_fingerprint:
            with self._lock:
                self._configurations.add(scrubbed(reply.system_fingerprint)[:80])
        return reply

    def _look_up(self) -> tuple[Sequence[Listed], str | None]:
        """The models that the server lists, if it keeps a list, and the software that it names."""
        try:
            with self._server.errors():
                raw = self._server.client.models.with_raw_response.list()
                response = raw.http_response
        except (TransientError, RejectedError) as error:
            status = getattr(error.__cause__, "status_code", None)
            if status is None:
                raise EngineError(
                    f"--endpoint {self.address}: no server answers there ({error}); start it, or "
                    "correct the address"
                ) from error
            if status in (401, 403):
                raise EngineError(f"--endpoint {self.address}: {error}") from error
            return (), None
        try:
            listing = Listing.model_validate_json(response.text).data
        except ValidationError:
            listing = []
        return listing, response.headers.get("server")

    def _entry(self) -> Listed | None:
        """The model's own entry in the server's list, if there is one and no other could be."""
        exact = [entry for entry in self.listing if entry.id == self.model]
        named = exact or [entry for entry in self.listing if same_model(self.model, entry.id)]
        return named[0] if len(named) == 1 else None


def _hint(status: int, text: str) -> str:
    """An error's text with what to do about a key that is missing or wrong."""
    return f"{text}; set {KEY} to a key for this server" if status in (401, 403) else text
