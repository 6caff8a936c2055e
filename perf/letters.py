"""How much faster are letter log-probabilities with a shared few-shot prefix?

    python perf/letters.py [--model smollm2-135m] [--dtype float32] [--json]

The first 200 bundled questions with five solved examples, once by `letter_logprobs`, once as plain
padded batches of 16 whole prompts through the model's forward call. Both in this process, one
after the other; the letters' values are compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.likelihood import own_attention
from unlearnbench.engines.transformers.next_tokens import letter_logprobs
from unlearnbench.types.options import EngineOptions
from unlearnbench.utility.choice import LETTERS
from unlearnbench.utility.prompts import choice_prompts

QUESTIONS, ROWS = 200, 16


def plain(engine: TransformersEngine, prompts: list[str]) -> np.ndarray:
    """Padded batches of whole prompts; the last real position of each is read."""
    encode = engine.prompts.prompter.raw
    rows = [encode(prompt) for prompt in prompts]
    wanted = [encode(f"{prompts[0]} {letter}")[-1] for letter in LETTERS]
    values = []
    with torch.inference_mode(), own_attention(engine):
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            width = max(map(len, part))
            ids = torch.tensor([[0] * (width - len(row)) + row for row in part])
            mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in part])
            logits = engine.model(
                input_ids=ids.to(engine.device),
                attention_mask=mask.to(engine.device),
                position_ids=(mask.cumsum(-1) - 1).clamp_min(0).to(engine.device),
                use_cache=False,
                logits_to_keep=1,
            ).logits[:, -1]
            values.append(torch.log_softmax(logits.float(), -1)[:, wanted].cpu())
    return torch.cat(values).double().numpy()


def main() -> None:
    """Print seconds of both ways, their ratio and the largest difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    engine = TransformersEngine(chosen.model, EngineOptions(dtype=chosen.dtype))
    sets = load_utility_sets().first(QUESTIONS)
    prompts = choice_prompts(sets.shots, sets.questions)
    start = time.perf_counter()
    ours = letter_logprobs(engine, prompts, LETTERS)
    middle = time.perf_counter()
    theirs = plain(engine, prompts)
    end = time.perf_counter()
    result = {
        "questions": len(prompts),
        "shared_prefix_s": round(middle - start, 2),
        "plain_batches_s": round(end - middle, 2),
        "ratio": round((end - middle) / (middle - start), 2),
        "largest_difference": float(np.abs(ours - theirs).max()),
    }
    if chosen.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
