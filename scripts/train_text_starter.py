"""Makes the starter's classifiers `language` and `unsafe`; run it after distill_text_starter.py.

Texts are the translated messages of Django, Wagtail, Sphinx (all BSD) and django-oscar, a shop (BSD), the word list of
better-profanity (MIT), and the words of the starter's own embedding, which are English for the most part:

    pip download --no-deps django==5.2.19 wagtail==8.0.1 sphinx==9.0.4 django-oscar==4.2.1 better-profanity==0.7.0 -d wheels
    python scripts/train_text_starter.py wheels src/aisle/tasks/text/starter

`language` learns from the first three and the words, and is measured on the shop's messages, which it has not seen. Numbers are
left out of what it learns from: they say nothing of a language. `unsafe` is a list of words, put into harmless sentences beside
every other word of the embedding: it knows rude words, not rudeness.
"""

import io
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
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
LEARNT = ("django-5", "wagtail-", "sphinx-")
NUMBER = re.compile(r"\S*\d\S*")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{[^}]*\}|<[^>]+>|https?://\S+|&\w+;")
NGRAMS, RUDE_NGRAMS = 14_000, 9000
SMOOTHED = 0.03
MOST = 3000  # texts of a language
ENGLISH = 1000  # texts of WORDS words of the embedding: with more of them, other languages' titles are taken for English
WORDS = 6
CARRIERS = (
    "{}", "you {}", "what a {}", "this is {}", "{} off", "you are a {}", "he said {} to me", "the {} seller", "{} quality",
    "I hate this {} shop", "go {} yourself", "such a {} product", "全是{}", "你这个{}", "卖家{}", "{}店铺",
)  # fmt: skip
UNSEEN = ("my phone is {} and I hate it", "never again, {}!", "客服{}，不会再来")  # what is measured in
STRENGTH = 100.0
RUDE_CHINESE = (
    "傻逼", "傻叉", "煞笔", "他妈的", "去你妈", "操你妈", "草泥马", "王八蛋", "混蛋", "贱人", "婊子", "狗屎", "滚蛋", "去死",
    "杀了你", "弄死你", "妓女", "色情", "约炮", "裸聊", "强奸", "脑残", "白痴", "死全家", "畜生",
    "人渣", "废物", "死胖子",
)  # fmt: skip
HARMLESS_CHINESE = (  # everyday words that share a character with those
    "东西", "妈妈", "他的", "你的", "我的", "京东", "西瓜", "狗粮", "小狗", "猫狗", "牛奶", "牛肉", "骑马", "马上",
    "河马", "草地", "草莓", "泥土", "八折", "鸡蛋", "蛋糕", "皮蛋", "大王", "王先生", "别人", "人生", "贵贱", "便宜",
    "垃圾", "狮子", "滚筒", "滚动", "去年", "过去", "死机", "笨重", "死板", "傻瓜相机", "逼真", "被逼", "叉子", "刀叉",
    "女儿", "妇女", "颜色", "情况", "热情", "约会", "大约", "炮弹", "鞭炮", "裸机", "聊天", "强大", "勉强", "脑袋",
    "电脑", "残次", "残留", "痴迷", "白色", "明白", "全家", "家人", "畜牧", "学生", "先生", "作废", "废纸", "货物",
    "动物", "胖乎乎", "胖人", "电子", "儿子", "煞费苦心", "纸笔", "毛笔", "操作", "体操", "混合", "混纺", "弄好", "弄脏",
    "杀菌", "杀毒", "屎黄", "便携",
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
    own, shop = sorted({row for one in LEARNT for row in messages(wheels, one)}), messages(wheels, "django_oscar-")
    english = vocabulary(folder)
    language(own, shop, english, folder, embedding)
    unsafe(wheels, [text for name, text in own if name in ("en", "zh")], english, folder, embedding)


def vocabulary(folder: Path) -> list[str]:
    """The whole words that the embedding knows, written in Latin letters."""
    lines = (folder / "embedding" / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if len(line) > 2 and line.isascii() and line.isalpha()]


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


def language(
    own: list[tuple[str, str]], shop: list[tuple[str, str]], english: list[str], folder: Path, embedding: static.StaticEmbedding
) -> None:
    labels = sorted({name for name, _ in own})
    spoken = [(name, text) for name, text in ((name, " ".join(NUMBER.sub(" ", text).split())) for name, text in own) if text]
    groups = [english[start : start + WORDS] for start in range(0, len(english), WORDS)]
    words = [("en", " ".join(groups[k])) for k in np.random.default_rng(0).permutation(len(groups))[:ENGLISH]]
    known = set(own)
    train, test = few(pieces(spoken)) + words, [row for row in shop if row not in known]
    texts, targets = [text for _, text in train], targets_of(train, labels)
    model = bayes(texts, targets, Features.learn(texts, 1.0, 0.0, NGRAMS), embedding)
    logits, wanted = model.logits([text for _, text in test]), targets_of(test, labels)
    half = np.arange(len(test)) % 2 == 0
    temperature = calibration.temperature(logits[half], wanted[half], multi=False)
    scores = calibration.quality(logits[~half] / temperature, wanted[~half], multi=False) | {"held_out": float((~half).sum())}
    about = (
        "ISO 639-1 codes; from translated messages of Django, Wagtail and Sphinx, measured on django-oscar's; no data of any shop"
    )
    spec = Spec(name="language", kind="linear", labels=labels, inside=1.0, static=0.0, scores=rounded(scores), about=about)
    classifiers.save(folder, spec, model.scaled(calibration.Scaling(temperature)))
    sys.stdout.write(f"language: {len(texts):,} texts, {scores}\n")


def unsafe(wheels: Path, harmless: list[str], english: list[str], folder: Path, embedding: static.StaticEmbedding) -> None:
    """Only n-grams of the rude words count; measured in sentences, and beside harmless words, that were not learnt from."""
    rude = [word for word in words(wheels) if not MEANS_OTHER.match(word)] + [*RUDE_CHINESE, *RUDE_MORE]
    rng = np.random.default_rng(0)
    spoken, listed = {word for text in harmless for word in text.split() if len(word) > 1}, set(rude)
    decent = sorted({*spoken, *english} - {word for word in english if word in listed or MEANS_OTHER.match(word)})
    unseen, plainly = (np.array(decent)[part] for part in np.split(rng.permutation(len(decent)), [len(decent) // 10]))
    drawn = [harmless[k] for k in rng.choice(len(harmless), 6000, replace=False)]
    bad = [carrier.format(word) for word in rude for carrier in rng.choice(CARRIERS, 4, replace=False)]
    good = [carrier.format(word) for carrier in CARRIERS for word in rng.choice(plainly, 200)]
    good += [" ".join(product(rng, plainly) for _ in range(rng.integers(2, 8))) for _ in range(4000)]
    good += [" ".join(part) for part in np.array_split(plainly, len(plainly) // 5)]
    good += [carrier.format(word) for word in HARMLESS_CHINESE for carrier in rng.choice(CARRIERS, 3, replace=False)]
    train = [("unsafe", text) for text in bad] + [("safe", text) for text in [*good, *drawn[:5000]]]
    test = [("unsafe", text) for text in said(rude)] + [("safe", text) for text in [*said(unseen), *drawn[5000:]]]
    texts, labels = [text for _, text in train], ["safe", "unsafe"]
    features = Features.learn([*rude, *rude], 0.5, 0.0, RUDE_NGRAMS)
    model = linear.learn(texts, targets_of(train, labels), features, embedding, multi=False, strength=STRENGTH)
    logits, wanted = model.logits([text for _, text in test]), targets_of(test, labels)
    half = np.arange(len(test)) % 2 == 0
    temperature = calibration.temperature(logits[half], wanted[half], multi=False)
    scores = calibration.quality(logits[~half] / temperature, wanted[~half], multi=False) | {"held_out": float((~half).sum())}
    about = f"{len(rude)} rude words of English (better-profanity) and Chinese in harmless sentences: words, not meanings"
    spec = Spec(name="unsafe", kind="linear", labels=labels, inside=0.5, static=0.0, scores=rounded(scores), about=about)
    texts += [" ".join(part) for part in np.array_split(unseen, len(unseen) // 5)]
    targets = targets_of([*train, *(("safe", text) for text in texts[len(train) :])], labels)
    model = linear.learn(texts, targets, features, embedding, multi=False, strength=STRENGTH)
    classifiers.save(folder, spec, model.scaled(calibration.Scaling(temperature)))
    wrong = (logits.argmax(axis=1) != wanted.argmax(axis=1))[wanted[:, 0] > 0].mean()
    sys.stdout.write(f"unsafe, harmless ones flagged: {wrong:.4f}\n")
    sys.stdout.write(f"unsafe: {len(rude)} words, {len(train):,} texts, {scores}\n")


def said(those: Iterable[str]) -> list[str]:
    """Words in the sentences that nothing was learnt from, each in those of its own script."""
    return [carrier.format(word) for carrier in UNSEEN for word in those if carrier.isascii() == word.isascii()]


def product(rng: np.random.Generator, plainly: np.ndarray) -> str:
    """A word of a product's title: a model's name, a size, or a word of the language."""
    letters = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(1, 4)))
    number, unit = rng.integers(1, 4000), rng.choice(["gb", "g", "mm", "cm", "kg", "w", "mah", "hz", "l", ""])
    kinds = [f"{number}{unit}", f"{letters}{number}", f"{letters}{number}{letters[:1]}", str(rng.choice(plainly)), letters]
    return kinds[rng.integers(5)]


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
