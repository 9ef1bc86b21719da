"""The acoustic network: chunks equal the whole, the exported file equals torch, and it learns notes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from aisle.tasks.speech import acoustic, ctc, tiny
from aisle.tasks.speech.acoustic import Ear
from aisle.tasks.speech.features import Running, Spread, features, log_mel, retuned

torch = pytest.importorskip("torch")
NOISE = (0.1 * np.random.default_rng(1).standard_normal(40_000)).astype(np.float32)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    from aisle.tasks.speech.export import export
    from aisle.tasks.speech.net import Acoustic, Dimensions

    torch.manual_seed(1)
    net = Acoustic(Dimensions(width=32, blocks=2, chunk=4, left=2)).eval()
    folder = tmp_path_factory.mktemp("net")
    export(net, folder / "acoustic.onnx", eight_bits=False)
    acoustic.save_facts(folder, Spread.of(log_mel(NOISE)), dataclasses.asdict(net.size))
    return net, folder


def test_normalised_features_do_not_depend_on_the_cut() -> None:
    spread = Spread.of(log_mel(NOISE))
    logs, running = log_mel(NOISE), Running(spread)
    parts = [running(part) for part in np.split(logs, [1, 7, 50])]
    assert np.allclose(np.concatenate(parts), features(NOISE, spread), atol=1e-5)


def test_the_file_gives_torchs_numbers(both) -> None:  # type: ignore[no-untyped-def]
    from aisle.tasks.speech.learn import collate

    net, folder = both
    opened = acoustic.load(folder)
    mel, lengths, _, _ = collate([(features(NOISE, opened.spread), "")], net.size.chunk)
    with torch.inference_mode():
        wanted = net(mel, lengths, *net.state(1))[0][0, : int(lengths[0])].numpy()
    assert np.abs(opened.logs(NOISE) - wanted).max() < 1e-4


def test_a_stream_gives_the_numbers_of_the_whole(both) -> None:  # type: ignore[no-untyped-def]
    opened = acoustic.load(both[1])
    whole, ear = opened.logs(NOISE), Ear(opened)
    rows = [ear.push(part) for part in np.split(NOISE, [100, 1000, 9000, 9001, 30_000])]
    ahead = ear.peek()
    assert np.abs(np.concatenate([*rows, ahead]) - whole).max() < 1e-4


def test_a_batch_gives_the_numbers_of_one(both) -> None:  # type: ignore[no-untyped-def]
    from aisle.tasks.speech.learn import collate

    net, folder = both
    spread = acoustic.load(folder).spread
    long, short = features(NOISE, spread), features(NOISE[:12_000], spread)
    alone, n, _, _ = collate([(short, "")], net.size.chunk)
    mel, lengths, _, _ = collate([(long, ""), (short, "")], net.size.chunk)
    with torch.inference_mode():
        one, two = net(alone, n, *net.state(1))[0], net(mel, lengths, *net.state(2))[0]
    assert (one[0, : int(n[0])] - two[1, : int(n[0])]).abs().max() < 1e-4


def test_what_comes_later_changes_nothing_before_its_chunk(both) -> None:  # type: ignore[no-untyped-def]
    opened = acoustic.load(both[1])
    other = NOISE.copy()
    other[20_000:] = 0
    frames = (20_000 - acoustic.WINDOW) // acoustic.HOP // acoustic.SUBSAMPLING
    same = frames // opened.chunk * opened.chunk - opened.chunk
    assert np.abs(opened.logs(NOISE)[:same] - opened.logs(other)[:same]).max() < 1e-5


@pytest.mark.parametrize("eight_bits", [False, True])
def test_the_weights_come_back_from_the_file(tmp_path: Path, eight_bits: bool) -> None:
    from aisle.tasks.speech.export import export, weights_of
    from aisle.tasks.speech.net import Acoustic, Dimensions

    torch.manual_seed(2)
    net = Acoustic(Dimensions(width=32, blocks=1))
    export(net, tmp_path / "net.onnx", eight_bits=eight_bits)
    found, wanted = weights_of(tmp_path / "net.onnx", net), net.state_dict()
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].shape == value.shape
        assert (found[name] - value).abs().max() <= (0.01 if eight_bits else 1e-6) * max(float(value.abs().max()), 1e-6)


def test_notes_are_heard(notes: ctc.CTC) -> None:
    texts = tiny.texts(24, seed=77)
    heard = notes.hear([tiny.sung(text, 900 + k) for k, text in enumerate(texts)], language=None, hints=None)
    right = sum(one.text == text for one, text in zip(heard, texts, strict=True))
    assert 16 <= right <= 24
    for one in heard:
        assert all(0 <= word.probability <= 1 for word in one.words)
        assert sum(alternative.probability for alternative in one.alternatives) <= 1 + 1e-6


def test_a_retuned_sound_has_its_bands_elsewhere_and_nothing_else_changed() -> None:
    logs = log_mel(NOISE)
    logs[:, 20] += 5.0
    assert np.array_equal(retuned(logs, 1.0), logs)
    assert int(retuned(logs, 1.25).mean(0).argmax()) == 16 and int(retuned(logs, 0.8).mean(0).argmax()) == 25
    assert retuned(logs, 0.95).shape == logs.shape
