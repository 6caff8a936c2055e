"""Downloads a repository of the model hub, and explains failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.checkpoints.reading import whole_cause
from unlearnbench.errors import CheckpointError

_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
_TIMEOUT_S = 5.0
_LOG_IN = "log in with `hf auth login` or set HF_TOKEN"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit, on this disk."""

    folder: Path
    repository: str
    commit: str

    @property
    def source(self) -> str:
        """`owner/name@commit`."""
        return f"{self.repository}@{self.commit}"


class HubError(CheckpointError):
    """The model hub refused a repository, or is out of reach."""


@dataclass(frozen=True, slots=True)
class HubOutline:
    """What the hub says of a repository without its weights.

    `folder` holds config.json; `tensors` are the data types and shapes of all tensors by name, and
    empty where it holds no safetensors.
    """

    folder: Path
    tensors: Mapping[str, tuple[str, tuple[int, ...]]]


def outline(name: str, revision: str | None = None) -> HubOutline:
    """Fetch config.json and the headers of the weights alone, or take the copy that is cached.

    Raises `HubError`.
    """
    from huggingface_hub import get_safetensors_metadata, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, NotASafetensorsRepoError

    called = name if revision is None else f"{name}@{revision}"
    try:
        folder = snapshot_download(
            name,
            revision=revision,
            allow_patterns=["config.json", "adapter_config.json"],
            etag_timeout=_TIMEOUT_S,
        )
        if any(Path(folder).glob("*.safetensors")):
            return HubOutline(Path(folder), {})
        found = get_safetensors_metadata(name, revision=revision)
    except NotASafetensorsRepoError:
        return HubOutline(Path(folder), {})
    except LocalEntryNotFoundError as error:
        why = _refusal(name, error.__cause__) or (
            f"the model hub cannot be reached and no copy is cached ({whole_cause(error)}); give "
            "a local folder, which may hold config.json alone"
        )
        raise HubError(f"{called}: {why}") from error
    except Exception as error:
        # Each of the hub's transports has errors of its own.
        why = _refusal(name, error) or f"cannot be looked up on the hub: {whole_cause(error)}"
        raise HubError(f"{called}: {why}") from error
    files = found.files_metadata.values()
    tensors = {n: (t.dtype, tuple(t.shape)) for file in files for n, t in file.tensors.items()}
    return HubOutline(Path(folder), tensors)


def download(name: str, revision: str | None = None) -> Snapshot:
    """Fetch a repository's safetensors and tokenizer, never its pickles or code.

    Raises `HubError`.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    called = name if revision is None else f"{name}@{revision}"
    try:
        folder = Path(
            snapshot_download(
                name, revision=revision, allow_patterns=_FILES, etag_timeout=_TIMEOUT_S
            )
        )
    except LocalEntryNotFoundError as error:
        why = _refusal(name, error.__cause__) or (
            f"the model hub cannot be reached and no copy is cached ({whole_cause(error)}); give "
            f"a local folder, a .gguf file or an alias ({', '.join(ALIASES)})"
        )
        raise HubError(f"{called}: {why}") from error
    except Exception as error:
        # Each of the hub's transports has errors of its own.
        why = _refusal(name, error) or f"cannot be fetched from the model hub: {whole_cause(error)}"
        raise HubError(f"{called}: {why}") from error
    return Snapshot(folder, name, folder.name)


def _refusal(name: str, error: BaseException | None) -> str | None:
    """What the hub's refusal means and what to do, or None if it is another fault."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"{constants.ENDPOINT}/{name}"
    if isinstance(error, GatedRepoError):
        return (
            f"its owner gives it only to those who accepted its licence: accept it at {page}, "
            f"then {_LOG_IN}"
        )
    if isinstance(error, RevisionNotFoundError):
        return f"the hub has no such revision of it: {whole_cause(error)}"
    if isinstance(error, RepositoryNotFoundError):
        return f"there is no such repository there, or it is private: check the name, or {_LOG_IN}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if status in (401, 403):
        return (
            f"the hub refuses it ({status}): {_LOG_IN} (the token must be valid and may read it), "
            f"and accept the licence at {page} if it has one"
        )
    return None
