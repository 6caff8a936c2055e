"""The JSON Schemas of what a submission holds, as leaderboard/schema/ publishes them."""

from __future__ import annotations

import json

from unlearnbench.submissions.schema import (
    Attestation,
    BaseClaim,
    Claim,
    JsonObject,
    Submission,
)
from unlearnbench.submissions.utility_claim import UtilityClaim

PUBLISHED: dict[str, type[Claim]] = {
    "submission": Submission,
    "base": BaseClaim,
    "attestation": Attestation,
    "utility": UtilityClaim,
}
"""Name of the file -> its shape."""


_PUBLIC_NAMES = {
    "ClaimedIdentity": "Identity",
    "SurroundingsClaim": "Surroundings",
    "TrainingClaim": "Training",
    "ModelClaim": "Model",
    "DataClaim": "Data",
}
"""Names in the published schemas of classes that are named differently here."""


def json_schema(name: str) -> JsonObject:
    """The JSON Schema of a published shape."""
    text = json.dumps(PUBLISHED[name].model_json_schema())
    for internal, public in _PUBLIC_NAMES.items():
        text = text.replace(f'"{internal}"', f'"{public}"').replace(f'/{internal}"', f'/{public}"')
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **json.loads(text)}
