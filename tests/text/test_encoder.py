"""BERT-type networks: fine-tuned, exported, equal to the original, served without torch. The networks are tiny and random."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import aisle
from aisle.access import DEFAULT_TENANT
from aisle.errors import BadInput
from aisle.kit.sessions import Way, open_session
from aisle.task import Context, discover
from aisle.tasks.text import encoder, finetune, tiny
from aisle.tasks.text.calibration import Scaling
from aisle.tasks.text.export import quantise
from aisle.tasks.text.schema import Classify, Config, Embed
from aisle.types import Sample, SampleKind

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("onnx")

TASK = discover()["text"]
WORDS = [*tiny.GOOD[:3], *tiny.BAD[:3], *tiny.THINGS[:3], *"喜欢很好太差失望台灯花盆椅子", "a", "the", "##s"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", SMALL),
    "distilbert": ("DistilBertConfig", {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
    "roberta": ("RobertaConfig", SMALL | {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}),
    "deberta": ("DebertaV2Config", SMALL | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}),
}


class Said(tiny.Words):
    """Every text has two labels: whether it is praise, and where the thing stands."""

    def samples(self, kind: SampleKind) -> Iterator[Sample]:
        for sample in super().samples(kind):
            text = sample.text or ""
            where = "outside" if "pot" in text or "花盆" in text else "inside"
            yield msgspec.structs.replace(
                sample, labels={"about": ["praise" if sample.labels["label"] == "5" else "blame", where]}
            )


def quiet(done: float, total: float, message: str) -> None:
    pass


def network(folder: Path, kind: str, head: str = "", **more: Any) -> Path:
    """A random network with its tokenizer, as a hub holds them."""
    name, settings = KINDS[kind]
    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: place for place, word in enumerate([*special, *dict.fromkeys(WORDS)])}
    tokenizer = transformers.BertTokenizer(vocab=vocabulary)
    config = getattr(transformers, name)(vocab_size=len(vocabulary), max_position_embeddings=64, **settings, **more)
    model = getattr(transformers, f"AutoModel{head}").from_config(config)
    folder.mkdir()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def ask(engine: Any, **request: Any) -> Any:
    asked = Classify(**request)
    (result,) = engine.run("classify", [engine.prepare("classify", asked, Context())])
    return engine.finish("classify", asked, result)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fine_tuned_network_knows_the_stars_and_serves_as_it_was_trained(kind: str, tmp_path: Path) -> None:
    source, folder = network(tmp_path / "hub", kind), tmp_path / "model"
    folder.mkdir()
    settings = {"epochs": 16, "batch": 8, "learning_rate": 5e-3, "longest": 16, "columns": ["sentiment"]}
    scores = TASK.fit(tiny.Words(), Config(algorithm="encoder", encoder=str(source), **settings), folder, quiet)
    assert scores["sentiment_held_out"] > 10
    engine = TASK.load(folder)
    samples = list(tiny.Words().samples("text"))
    found = ask(engine, text=[sample.text or "" for sample in samples]).results
    right = [one.labels[0].label == sample.labels["label"] for one, sample in zip(found, samples, strict=True)]
    assert np.mean(right) >= 0.8  # most of them it has learnt from; the network began as noise
    spec, model = engine.classifiers["sentiment"].spec, engine.classifiers["sentiment"].model
    assert len(spec.bias) == len(spec.labels) and any(spec.bias)
    plainly = replace(model, scaling=Scaling()).logits(["perfect pot", "great"])
    assert np.allclose(model.logits(["perfect pot", "great"]), plainly / spec.temperature + spec.bias, atol=1e-4)
    together = ask(engine, text=["perfect pot", "太差台灯", "great"]).results
    alone = [ask(engine, text=text).results[0] for text in ("perfect pot", "太差台灯", "great")]
    for a, b in zip(together, alone, strict=True):
        assert a.labels[0].label == b.labels[0].label
        assert a.labels[0].logit == pytest.approx(b.labels[0].logit, abs=0.05)  # 8 bits: scales depend on the batch


def test_a_text_may_have_several_labels_and_labels_several_levels(tmp_path: Path) -> None:
    source, folder = network(tmp_path / "hub", "bert"), tmp_path / "model"
    folder.mkdir()
    settings = {"epochs": 16, "batch": 8, "learning_rate": 5e-3, "longest": 16, "columns": ["about", "category"]}
    TASK.fit(Said(), Config(algorithm="encoder", encoder=str(source), **settings), folder, quiet)
    engine = TASK.load(folder)
    samples = list(Said().samples("text"))
    found = ask(engine, text=[sample.text or "" for sample in samples], model="about").results
    right = [set(one.assigned or ()) == set(sample.labels["about"]) for one, sample in zip(found, samples, strict=True)]
    assert np.mean(right) >= 0.7  # of four sets of two; most texts it has learnt from
    (pot,) = ask(engine, text="pot no. 3", model="category").results
    assert pot.labels[0].label == "Garden > Pots" and [level.label for level in pot.path or ()] == ["Garden", "Garden > Pots"]


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_layers_stay_and_no_more_texts_are_learnt_from_than_was_said(kind: str, tmp_path: Path) -> None:
    source, folder = network(tmp_path / "hub", kind), tmp_path / "model"
    folder.mkdir()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source)
    finetune._freeze(model, 1)
    learnt = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learnt and not [name for name in learnt if ("embeddings." in name and "encoder." not in name) or "layer.0." in name]
    assert any("layer.1." in name for name in learnt)
    said: list[str] = []
    config = Config(algorithm="encoder", encoder=str(source), columns=["sentiment"], most_texts=16, batch=8, epochs=1, frozen=1)
    TASK.fit(tiny.Words(), config, folder, lambda done, total, message: said.append(message))
    assert any("step 2 of 2," in message for message in said) and not any("step 3" in message for message in said)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_as_matrix_products_gives_the_same_and_nothing_of_it_is_dropped(kind: str, tmp_path: Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(network(tmp_path / "hub", kind))
    ids, known = torch.arange(5, 17).reshape(2, 6), torch.tensor([[1] * 6, [1, 1, 1, 1, 0, 0]])
    usual = model.config._attn_implementation
    finetune._drop(torch, model, 0.0)
    with torch.inference_mode():
        fused = model.train()(ids, attention_mask=known).logits
        with finetune._plain_attention(model):
            assert model.config._attn_implementation == "eager"
            plain = [model(ids, attention_mask=known).logits for _ in range(2)]
    assert model.config._attn_implementation == usual
    assert torch.equal(plain[0], plain[1]) and torch.allclose(plain[0], fused, atol=1e-5)
    finetune._drop(torch, model, 0.3)
    shares = {name: part.p for name, part in model.named_modules() if isinstance(part, torch.nn.Dropout)}
    inside = [name for name in shares if ".self." in name or name.endswith("attention.dropout")]
    assert len(inside) >= 2 and {shares[name] for name in inside} == {0.0}  # of each of two layers
    assert {share for name, share in shares.items() if name not in inside} == {0.3}


@pytest.mark.parametrize("kind", KINDS)
def test_a_pulled_classifier_gives_the_logits_of_the_original(kind: str, tmp_path: Path) -> None:
    labels = {0: "bad", 1: "middling", 2: "good"}
    source = network(
        tmp_path / "stars", kind, "ForSequenceClassification", id2label=labels, label2id={v: k for k, v in labels.items()}
    )
    folder = tmp_path / "model"
    folder.mkdir()
    scores = TASK.adopt(str(source), folder, quiet)
    assert scores["difference"] < 1e-4
    texts = ["great lamp", "太差", "the awful awful chair"]
    answer = ask(TASK.load(folder), text=texts, model="stars")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    for text, result in zip(texts, answer.results, strict=True):
        with torch.inference_mode():
            wanted = model(**tokenizer(text, return_tensors="pt")).logits[0].numpy()
        found = {label.label: label.logit for label in result.labels}
        assert np.allclose([found["bad"], found["middling"], found["good"]], wanted, atol=1e-4)


def test_a_pulled_sentence_encoder_embeds(tmp_path: Path) -> None:
    source, folder = network(tmp_path / "sentences", "bert"), tmp_path / "model"
    folder.mkdir()
    assert TASK.adopt(str(source), folder, quiet)["dimensions"] == 32
    engine = TASK.load(folder)
    request = Embed(text=["great lamp", "the pot"])
    (result,) = engine.run("embed", [engine.prepare("embed", request, Context())])
    vectors = np.array(engine.finish("embed", request, result).embeddings)
    model = transformers.AutoModel.from_pretrained(source).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    with torch.inference_mode():
        wanted = model(**tokenizer("the pot", return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
    assert np.allclose(vectors[1], wanted / np.linalg.norm(wanted), atol=1e-4)


def test_a_contribution_is_what_the_logit_loses_without_the_word(tmp_path: Path) -> None:
    labels = {0: "bad", 1: "good"}
    source, folder = network(tmp_path / "stars", "bert", "ForSequenceClassification", id2label=labels), tmp_path / "model"
    folder.mkdir()
    TASK.adopt(str(source), folder, quiet)
    engine = TASK.load(folder)
    (result,) = ask(engine, text="terrible lamp, 台灯", model="stars", explain="full").results
    said, best = result.explanation, result.labels[0]
    assert said is not None and said.method == "occlusion" and said.label == best.label
    pieces = [token.text for token in said.tokens]
    assert "".join(pieces) == "terrible lamp, 台灯"
    for place, token in enumerate(said.tokens[:2]):
        hidden = ["[MASK] ", "[MASK] [MASK] "][place]  # a word is one token; "lamp" has its comma
        masked = "".join([*pieces[:place], hidden, *pieces[place + 1 :]])
        without = {one.label: one.logit for one in ask(engine, text=masked, model="stars").results[0].labels}
        assert token.contribution == pytest.approx(best.logit - without[best.label], abs=1e-4)


def test_auto_keeps_the_linear_model_where_the_network_is_not_better(tmp_path: Path) -> None:
    source, folder = network(tmp_path / "hub", "bert"), tmp_path / "model"
    folder.mkdir()
    config = Config(algorithm="auto", encoder=str(source), epochs=1, batch=8, longest=16, columns=["sentiment"], int8=False)
    TASK.fit(tiny.Words(), config, folder, quiet)
    assert "does not earn its cost" in (folder / "about.json").read_text("utf-8")
    assert not (folder / "classifiers" / "sentiment" / encoder.MODEL).exists()
    assert ask(TASK.load(folder), text="great lamp").results[0].labels[0].label == "5"


@pytest.mark.parametrize("source", ["/no/such/folder", "./nothing"])
def test_a_network_that_is_not_there_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        TASK.adopt(source, tmp_path, quiet)
    with pytest.raises(BadInput, match="encoder="):
        TASK.fit(tiny.Words(), Config(algorithm="encoder"), tmp_path, quiet)


def test_serving_imports_no_torch(tmp_path: Path) -> None:
    source, folder = network(tmp_path / "sentences", "bert"), tmp_path / "model"
    folder.mkdir()
    TASK.adopt(str(source), folder, quiet)
    program = (
        "import sys; from pathlib import Path; from aisle.tasks.text import TASK; e = TASK.load(Path(sys.argv[1]));"
        "e.embedding.embed(['lamp']); print([n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_what_was_pulled_outlives_training_and_what_was_learnt_outlives_a_pull(tmp_path: Path) -> None:
    sentences, stars = network(tmp_path / "sentences", "bert"), network(tmp_path / "mood", "bert", "ForSequenceClassification")
    with aisle.open(str(tmp_path / "shop")) as shop:
        shop.put_items([{"item_id": "lamp", "title": "great lamp"}])
        shop.pull("text", str(sentences))
        shop.pull("text", str(stars))
        assert set(TASK.load(shop.app.models.verify(shop.app.models.live(DEFAULT_TENANT, "text"))).classifiers) >= {
            "mood",
            "unsafe",
        }
        shop.app.samples.put(DEFAULT_TENANT, list(tiny.Words().samples("text")))
        shop.train("text", columns=["sentiment"])
        live = shop.app.models.live(DEFAULT_TENANT, "text")
        assert sorted(live.card["data"]["kept"]) == ["mood", "sentences"]
        assert set(TASK.load(shop.app.models.verify(live)).classifiers) >= {"mood", "sentiment"}
        (vector,) = [np.frombuffer(row, "<f4") for _, row in shop.app.data(DEFAULT_TENANT).vectors("text")]
        assert len(vector) == 32 == len(shop.ask("text", "embed", {"text": "great lamp"}).embeddings[0])
        shop.pull("text", str(sentences))
        live = shop.app.models.live(DEFAULT_TENANT, "text")
        assert set(TASK.load(shop.app.models.verify(live)).classifiers) >= {"mood", "sentiment"}
        assert live.card["config"]["columns"] == ["sentiment"]  # a person's erasure trains it again, as it was
        _, jobs = shop.app.learning.again(DEFAULT_TENANT)
        assert len(jobs) == 1


def test_networks_are_run_in_the_way_that_was_chosen(tmp_path: Path) -> None:
    source, folder = network(tmp_path / "stars", "bert", "ForSequenceClassification"), tmp_path / "model"
    folder.mkdir()
    TASK.adopt(str(source), folder, quiet)
    (probe,) = TASK.probes(folder, tiny.data())
    assert probe.file == "classifiers/stars/model.onnx"
    session = open_session(folder / probe.file)
    true = [session.run(probe.outputs, inputs) for inputs in probe.inputs]
    assert probe.loss(true, true) == 0.0 < probe.loss(true, [[-one[0]] for one in true])
    small = tmp_path / "small.onnx"
    quantise(folder / "classifiers" / "stars").replace(small)
    tuned = TASK.load_tuned(folder, {probe.file: Way("onnxruntime", "int8", str(small))})
    usual, other = (engine.classifiers["stars"].model.logits(["great lamp"]) for engine in (TASK.load(folder), tuned))
    assert not np.array_equal(usual, other) and np.allclose(usual, other, atol=0.1)


def test_a_pulled_network_may_give_several_labels(tmp_path: Path) -> None:
    labels = {0: "lamp", 1: "blue", 2: "broken", 3: "late"}
    kind = {"id2label": labels, "problem_type": "multi_label_classification"}
    source, folder = network(tmp_path / "about", "distilbert", "ForSequenceClassification", **kind), tmp_path / "model"
    folder.mkdir()
    TASK.adopt(str(source), folder, quiet)
    (result,) = ask(TASK.load(folder), text="great lamp", model="about").results
    assert result.assigned == [one.label for one in result.labels if one.logit > 0]
    assert [one.probability for one in result.labels] == pytest.approx(
        [1 / (1 + np.exp(-one.logit)) for one in result.labels], abs=1e-5
    )
