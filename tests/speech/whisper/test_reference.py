"""Whisper beside transformers' reference, stage by stage on the same random weights: features, encoder, tokens, text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bench.voice_sound import babble
from tests.speech.whisper.conftest import Pair
from transformers import WhisperFeatureExtractor

SOUND = babble(3.0)
PROMPT = ["startoftranscript", "en", "transcribe", "notimestamps"]


def prompt(pair: Pair) -> list[int]:
    return [pair.ours.tokens.special(name) for name in PROMPT]


def features(pair: Pair, sound: np.ndarray = SOUND) -> torch.Tensor:
    return torch.from_numpy(pair.ours.network.features(sound)[None])


@pytest.mark.parametrize("seconds", [0.4, 3.0, 30.0, 31.0])
def test_features_are_those_of_the_reference(pair: Pair, seconds: float) -> None:
    sound = babble(seconds)
    theirs = WhisperFeatureExtractor.from_pretrained(pair.source)(sound, sampling_rate=16_000, return_tensors="np")
    assert np.abs(pair.ours.network.features(sound) - theirs.input_features[0]).max() < 1e-4


def test_the_encoder_says_the_same(pair: Pair) -> None:
    with torch.no_grad():
        theirs = pair.reference.model.encoder(features(pair)).last_hidden_state.numpy()
    ours = np.array(pair.ours.network.encode([features(pair)[0].numpy()]))
    assert theirs.std() > 0.1
    assert np.abs(ours - theirs).max() < 1e-4


def test_languages_are_as_probable(pair: Pair) -> None:
    tokens = pair.ours.tokens
    with torch.no_grad():
        logits = pair.reference(features(pair), decoder_input_ids=torch.tensor([[tokens.start]])).logits[0, -1]
    codes = pair.reference.generation_config.lang_to_id
    theirs = torch.softmax(logits[list(codes.values())], 0).numpy()
    (ours,) = pair.ours.network.languages(pair.ours.network.encode([features(pair)[0].numpy()]))
    said = dict(ours)
    assert [code for code, _ in ours] == sorted(said, key=lambda code: -said[code])
    assert np.abs(np.array([said[code.strip("<|>")] for code in codes]) - theirs).max() < 1e-4


def test_greedy_decoding_writes_the_same_tokens_as_likely(pair: Pair) -> None:
    start, most = prompt(pair), 40
    with torch.no_grad():
        theirs = pair.reference.generate(
            features(pair), decoder_input_ids=torch.tensor([start]), max_length=most, do_sample=False, num_beams=1,
            return_timestamps=False, return_dict_in_generate=True, output_logits=True,
        )  # fmt: skip
    wanted = theirs.sequences[0].tolist()
    wanted = wanted[len(start) :] if wanted[: len(start)] == start else wanted
    encoded = pair.ours.network.encode([features(pair)[0].numpy()])
    ((ours, *_),) = pair.ours.network.write(encoded, [start], beam=1, temperature=0.0, most=most, hypotheses=1)
    assert len(ours.tokens) > 5
    assert ours.tokens == wanted[: len(ours.tokens)]
    (timed,) = pair.ours.network.align(encoded, start[:-1], [ours.tokens], [3.0])
    with torch.no_grad():
        given = torch.tensor([[*start, *ours.tokens]])
        logits = pair.reference(features(pair), decoder_input_ids=given).logits[0, len(start) - 1 : -1, : pair.ours.tokens.end]
    probabilities = torch.softmax(logits, 1)[torch.arange(len(ours.tokens)), ours.tokens].numpy()
    assert np.abs(timed.probabilities - probabilities).max() < 1e-3


def test_a_wider_beam_finds_no_less_likely_text(pair: Pair) -> None:
    encoded = pair.ours.network.encode([features(pair)[0].numpy()])
    found = [
        pair.ours.network.write(encoded, [prompt(pair)], beam=beam, temperature=0.0, most=20, hypotheses=beam)[0]
        for beam in (1, 4)
    ]
    assert found[1][0].log_probability >= found[0][0].log_probability - 1e-3
    likely = [one.log_probability for one in found[1]]
    assert len(likely) == 4 and likely == sorted(likely, reverse=True)


def test_windows_that_are_written_together_are_written_as_alone(pair: Pair) -> None:
    network = pair.ours.network
    sounds = [network.features(babble(2.0, seed, 100 + 30 * seed)) for seed in range(3)]
    together = network.write(network.encode(sounds), [prompt(pair)] * 3, beam=2, temperature=0.0, most=20, hypotheses=1)
    for one, sound in zip(together, sounds, strict=True):
        (alone,) = network.write(network.encode([sound]), [prompt(pair)], beam=2, temperature=0.0, most=20, hypotheses=1)
        assert alone[0].tokens == one[0].tokens
        assert alone[0].log_probability == pytest.approx(one[0].log_probability, abs=1e-2)
