"""A Whisper of random weights, whole: transformers' files and a tokeniser laid out like OpenAI's; for tests and measurements."""

from __future__ import annotations

import itertools
import json
import string
from pathlib import Path
from typing import Any

TEXTS = 50_257  # tokens of text in OpenAI's multilingual vocabulary; English only has one less
LANGUAGES = ("en", "de", "fr", "ja", *(f"x{k:02}" for k in range(95)))
SPECIAL = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
TIMES = 1501


def vocabulary(texts: int = TEXTS) -> list[str]:
    """Bytes as GPT-2 writes them, then words of letters with a space before them, then the marks."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    words = ("Ġ" + "".join(one) for size in (2, 3, 4) for one in itertools.product(string.ascii_lowercase, repeat=size))
    filled = [*letters, *itertools.islice(words, texts - len(letters) - 1), ""]  # by "", CTranslate2 knows a multilingual one
    marks = ["endoftext", "startoftranscript", *LANGUAGES, *SPECIAL]
    return [*filled, *(f"<|{mark}|>" for mark in marks)]


def write_tokeniser(folder: Path, texts: int = TEXTS) -> dict[str, int]:
    """tokenizer.json and its configuration; returns the numbers of the tokens."""
    tokens = {token: number for number, token in enumerate(vocabulary(texts))}
    marks = [token for token in tokens if token.startswith("<|")]
    added = [
        {"id": tokens[mark], "content": mark, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for mark in marks
    ]  # fmt: skip
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": level, "post_processor": None, "decoder": level,
        "model": {"type": "BPE", "vocab": {t: n for t, n in tokens.items() if t not in marks}, "merges": []},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokens


def write(
    folder: Path, *, width: int = 16, layers: int = 1, mels: int = 80, seed: int = 0, spread: float = 0.4, heads: int = 2
) -> Any:
    """A multilingual Whisper in transformers' format; returns transformers' network."""
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    tokens = write_tokeniser(folder)
    end, start = tokens["<|endoftext|>"], tokens["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=len(tokens) + TIMES, num_mel_bins=mels, d_model=width, encoder_layers=layers, decoder_layers=layers,
        encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=start, init_std=spread,
        suppress_tokens=[], begin_suppress_tokens=[],
    )  # fmt: skip
    torch.manual_seed(seed)
    network = WhisperForConditionalGeneration(config).eval()
    network.generation_config = GenerationConfig(
        pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=start, max_length=448,
        suppress_tokens=[1, 2], begin_suppress_tokens=[220, end], is_multilingual=True,
        lang_to_id={f"<|{code}|>": tokens[f"<|{code}|>"] for code in LANGUAGES},
        task_to_id={"transcribe": tokens["<|transcribe|>"], "translate": tokens["<|translate|>"]},
        no_timestamps_token_id=tokens["<|notimestamps|>"],
    )  # fmt: skip
    network.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=mels).save_pretrained(folder)
    return network
