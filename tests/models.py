"""Tiny random models of several architectures, with a tokenizer of their own."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

VOCABULARY = 260
END = 256
CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def build(kind: str, seed: int = 0) -> PreTrainedModel:
    """A model of `kind` with fixed random weights, large enough to prefer tokens clearly."""
    torch.manual_seed(seed)
    common = {"vocab_size": VOCABULARY, "hidden_size": 64, "num_hidden_layers": 3}
    common |= {"bos_token_id": None, "eos_token_id": END, "pad_token_id": END}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96}
    if kind == "llama":
        model = LlamaForCausalLM(LlamaConfig(**common, **heads, max_position_embeddings=2048))
    elif kind == "gpt2":
        sizes = {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 2048}
        model = GPT2LMHeadModel(GPT2Config(**common, **sizes))
    elif kind == "gemma3":
        kinds = ["sliding_attention", "full_attention", "sliding_attention"]
        window = {"sliding_window": 8, "head_dim": 16, "layer_types": kinds}
        model = Gemma3ForCausalLM(Gemma3TextConfig(**common, **heads, **window))
    elif kind == "gemma2":
        model = Gemma2ForCausalLM(Gemma2Config(**common, **heads, head_dim=16, sliding_window=8))
    else:
        model = MambaForCausalLM(MambaConfig(**common))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
    return model.eval()


def tokenizer(chat: bool = True) -> PreTrainedTokenizerFast:
    """One token a byte, and an end-of-text token."""
    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    raw = Tokenizer(models.BPE(vocab={**letters, "<end>": END}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>", pad_token="<end>")
    made.chat_template = CHAT if chat else None
    return made


def save(folder: Path, kind: str, seed: int = 0) -> Path:
    """Write model and tokenizer as a safetensors folder."""
    build(kind, seed).save_pretrained(folder)
    whole = tokenizer()
    # An answer with a token that its tokenizer does not know would be open.
    whole.add_tokens([f"<{number}>" for number in range(END + 1, VOCABULARY)])
    whole.save_pretrained(folder)
    return folder
