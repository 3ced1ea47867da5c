#!/bin/sh
# Trains speech-phones, which puts words of any language on the clock: about half an hour of one core.
#
#   GRID=CORPUS sh tools/train_phones.sh FOLDER [SEED]
#
# CORPUS holds speakers of the GRID corpus as sN/video and sN/align; those of SPEAKERS are learnt from, all others are
# left for judging (benchmarks/words_grid.py). Without GRID it learns from the Asterisk prompts alone: five languages, a
# speaker each, fetched from Debian. espeak-ng says how their words are pronounced. Each step is passed over once its
# result is there; a training that was stopped goes on. FOLDER/model then holds model.npz and MODEL_CARD.md.
set -eu

folder=${1:?"say where to: sh tools/train_phones.sh FOLDER [SEED]"}
seed=${2:-0}
here=$(dirname "$0")
genlock=${GENLOCK:-genlock}
python=${PYTHON:-python}
speakers=${SPEAKERS:-s1 s2 s3 s4 s30 s31}
languages="en es fr it ru"
sources=""
spoken=""
mkdir -p "$folder"

for language in $languages; do
    [ -f "$folder/asterisk-$language/transcripts.tsv" ] ||
        "$python" "$here/fetch_asterisk.py" "$folder/asterisk-$language" "$language"
    "$genlock" prepare "$folder/asterisk-$language" -o "$folder/dataset-$language" --recipe speech \
        --outputs sound@16000 --group source --split 0.95/0.05/0
    sources="$sources $folder/dataset-$language"
    spoken="$spoken $language"
done

data="Asterisk's core sounds 1.6.1 in English, Spanish, French, Italian and Russian (Digium; CC-BY-SA-3.0)"
if [ -n "${GRID:-}" ]; then
    for speaker in $speakers; do
        mkdir -p "$folder/grid/$speaker"
        for part in video align; do
            [ -d "$folder/grid/$speaker/$part" ] || cp -r "$GRID/$speaker/$part" "$folder/grid/$speaker/$part"
        done
    done
    "$genlock" prepare "$folder/grid" -o "$folder/dataset-grid" --recipe speech \
        --outputs sound@16000 --group source --split 0.95/0.05/0
    sources="$sources $folder/dataset-grid"
    spoken="$spoken en"
    data="$data; the GRID corpus (Cooke, Barker, Cunningham and Shao 2006; CC BY 4.0), speakers $speakers"
fi

# shellcheck disable=SC2086 # both are lists
"$genlock" train phones $sources --languages $spoken -o "$folder/first" --seed "$seed" --even 0.75 --data "$data"
# shellcheck disable=SC2086
"$genlock" train phones $sources --languages $spoken -o "$folder/model" --seed "$seed" --from "$folder/first" \
    --rounds 1 --steps 900 --learning-rate 0.002 --hold 0.1 --even 1 --data "$data"
