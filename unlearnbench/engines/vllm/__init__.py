"""Engine `vllm`: vLLM decodes, with prompts, stop tokens and readings of engine `transformers`."""
