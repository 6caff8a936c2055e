"""vLLM's side of `perf/engine.py`, run by an interpreter that has vLLM.

python perf/vllm_peer.py IN.json OUT.json
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Answer the prompts of IN.json and write seconds to OUT.json."""
    # Two gigabytes of cache hold every prompt; vLLM would else claim nearly all memory.
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    from vllm import LLM, SamplingParams, TokensPrompt

    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    llm = LLM(
        job["model"],
        dtype="auto",
        enable_prefix_caching=True,
        max_model_len=2048,
        gpu_memory_utilization=0.5,
    )
    how = SamplingParams(temperature=0, max_tokens=job["new_tokens"], stop_token_ids=job["stops"])
    prompts = [TokensPrompt(prompt_token_ids=ids) for ids in job["prompts"]]
    began = time.perf_counter()
    answers = llm.generate(prompts, how, use_tqdm=False)
    seconds = time.perf_counter() - began
    texts = [answer.outputs[0].text for answer in answers]
    Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "texts": texts}), "utf-8")


if __name__ == "__main__":
    main()
