"""Wav2Vec2 and HuBERT beside transformers' reference, on random weights: input, logits and text; then as a recogniser."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench.voice_sound import babble, silence

from aisle.errors import BadInput, Misconfigured
from aisle.tasks.speech import adopt
from aisle.tasks.speech.recogniser import SILENCE, Hints
from aisle.tasks.speech.wav2vec2.network import normalised
from aisle.tasks.speech.wav2vec2.recogniser import Wav2Vec2

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]


@dataclass
class Pair:
    """transformers' network and ours of the same weights."""

    reference: Any
    ours: Wav2Vec2
    source: Path
    folder: Path


def write(folder: Path, kind: str, sure: float = 30.0) -> Any:
    """A small CTC network in transformers' format; `sure` of its letters, as a trained one is."""
    from transformers import HubertConfig, HubertForCTC, Wav2Vec2Config, Wav2Vec2ForCTC

    sizes: dict[str, Any] = {
        "vocab_size": len(LETTERS), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "pad_token_id": 0,
        "intermediate_size": 48, "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
    }  # fmt: skip
    torch.manual_seed(3)
    network = Wav2Vec2ForCTC(Wav2Vec2Config(**sizes)) if kind == "wav2vec2" else HubertForCTC(HubertConfig(**sizes))
    network = network.eval()
    with torch.no_grad():
        network.lm_head.weight *= sure
    network.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: place for place, letter in enumerate(LETTERS)}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>", "word_delimiter_token": "|"}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "sampling_rate": 16_000}))
    return network


@pytest.fixture(scope="module", params=["wav2vec2", "hubert"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    home = tmp_path_factory.mktemp(request.param)
    source, folder = home / "tiny", home / "model"
    source.mkdir()
    folder.mkdir()
    reference = write(source, request.param)
    scores = adopt.adopt(str(source), folder, lambda done, total, message: None)
    assert scores["largest_logit_difference"] < 1e-3
    return Pair(reference, Wav2Vec2(folder), source, folder)


def test_sound_is_prepared_as_by_the_reference(pair: Pair) -> None:
    from transformers import Wav2Vec2FeatureExtractor

    sound = babble(1.3) + np.float32(0.1)
    theirs = Wav2Vec2FeatureExtractor(do_normalize=True)(sound, sampling_rate=16_000, return_tensors="np").input_values[0]
    assert np.abs(normalised(sound) - theirs).max() < 1e-4


@pytest.mark.parametrize("seconds", [0.025, 0.5, 3.1])
def test_logits_are_those_of_the_reference_at_any_length(pair: Pair, seconds: float) -> None:
    sound = babble(seconds)
    with torch.no_grad():
        theirs = pair.reference(torch.from_numpy(normalised(sound))[None]).logits[0].numpy()
    ours = pair.ours.network.logits(sound)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-4 * max(1.0, np.abs(theirs).max())


def test_less_than_a_frame_has_no_letters(pair: Pair) -> None:
    assert pair.ours.network.config.least == 400 and pair.ours.network.config.stride == 320
    assert len(pair.ours.network.logs(babble(0.024))) == 0
    assert len(pair.ours.network.logs(babble(0.025))) == 1


def test_a_network_that_is_sure_writes_what_its_best_path_says(pair: Pair) -> None:
    sound = babble(2.0)
    logs = pair.ours.network.logs(sound)
    assert np.allclose(np.exp(logs.astype(np.float64)).sum(1), 1, atol=1e-5)
    path = logs.argmax(1)
    letters = [pair.ours.config.alphabet[k - 1] for k, before in zip(path, [-1, *path[:-1]], strict=True) if k and k != before]
    best = pair.ours._decoder((), None)(logs, 1)[0].text
    sure = np.exp(logs.max(1)).min() > 0.999
    assert " ".join("".join(letters).split()) == best or not sure
    assert best


def test_it_hears_words_with_times_and_alternatives(pair: Pair) -> None:
    sound = np.concatenate([silence(2), babble(2), silence(1)])
    (heard, nobody) = pair.ours.hear([sound, silence(2)])
    assert heard.text == heard.alternatives[0].text and heard.probability == heard.alternatives[0].probability
    assert [word.word for word in heard.words] == heard.text.split()
    assert all(1.5 <= word.start <= word.end <= 4.6 for word in heard.words)
    assert sum(one.probability for one in heard.alternatives) == pytest.approx(1)
    assert (nobody.text, nobody.reason) == ("", SILENCE)


def test_phrases_are_written_in_its_letters(pair: Pair) -> None:
    assert pair.ours._letters("Café Crème, 2 LATTES") == "caf cr me lattes"
    plain, hinted = (pair.ours.hear([babble(2)], hints=hints)[0] for hints in (None, Hints(("zq", "latte"))))
    assert plain.duration == hinted.duration


def test_it_streams_by_hearing_again(pair: Pair) -> None:
    stream, sound = pair.ours.stream(), babble(2)
    partials = [partial for part in np.split(sound, 20) if (partial := stream.push(part)) is not None]
    assert partials and stream.finish().text == pair.ours.hear([sound])[0].text
    for before, after in itertools.pairwise(partials):
        assert after.text.startswith(before.text[: before.stable])


def test_what_cannot_be_decoded_is_refused(pair: Pair, tmp_path: Path) -> None:
    def quiet(done: float, total: float, message: str) -> None: ...

    source = tmp_path / "words"
    source.mkdir()
    write(source, "wav2vec2")
    (source / "vocab.json").write_text(json.dumps({"<pad>": 0, "hello": 1, "world": 2}))
    with pytest.raises(BadInput, match="only networks that write letters"):
        adopt.adopt(str(source), tmp_path, quiet)
    (source / "vocab.json").write_text(json.dumps({"en": {"a": 1}, "de": {"b": 2}}))
    with pytest.raises(BadInput, match="several languages"):
        adopt.adopt(str(source), tmp_path, quiet)
    with pytest.raises(Misconfigured, match="pull the model again"):
        Wav2Vec2(tmp_path)
