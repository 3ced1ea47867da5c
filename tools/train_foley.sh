#!/bin/sh
# Trains sound for silent videos on films that are made here: about two hours of two cores.
#
#   sh tools/train_foley.sh FOLDER [SEED]
#
# Each step is a command of genlock and is passed over once its result is there; a training that was stopped goes on.
# FOLDER then holds codec, vocoder, contacts, materials, touches and writer, each with model.npz and MODEL_CARD.md, and
# heldout,
# films that nothing has learnt from, to judge them on:
#
#   genlock bench sound --help
set -eu

folder=${1:?"say where to: sh tools/train_foley.sh FOLDER [SEED]"}
seed=${2:-0}
genlock=${GENLOCK:-genlock}
films=${FILMS:-1600}
mkdir -p "$folder"

# 1,600 films of 4 s to learn from, at 12 to 60 frames a second; the index of the dataset splits them by itself.
[ -f "$folder/films/impacts.json" ] || "$genlock" synth impacts -n "$films" --seed 1000 -o "$folder/films"
"$genlock" prepare "$folder/films" -o "$folder/dataset" --recipe impacts --outputs sound@24000,motion

# Short films of few frames: many things that are struck, for what they look like.
[ -f "$folder/films-short/impacts.json" ] ||
    "$genlock" synth impacts -n "$((films * 849 / 1600))" --seed 7001 --seconds 2 --rates 12 \
        --scenes sticks drops sticks hands -o "$folder/films-short"
"$genlock" prepare "$folder/films-short" -o "$folder/dataset-short" --recipe impacts --outputs sound@24000

# Held out: the same world drawn anew; other speeds and sizes; pairs in which one factor differs.
[ -f "$folder/heldout/impacts.json" ] ||
    "$genlock" synth impacts -n 40 --seed 900001 -o "$folder/heldout"
[ -f "$folder/heldout-speeds/impacts.json" ] ||
    "$genlock" synth impacts -n 40 --seed 900002 --held-out sizes speeds -o "$folder/heldout-speeds"
[ -f "$folder/heldout-pairs/impacts.json" ] ||
    "$genlock" synth impacts -n 20 --seed 900003 --pairs -o "$folder/heldout-pairs"

[ -f "$folder/contacts/model.npz" ] ||
    "$genlock" train contacts "$folder/dataset" -o "$folder/contacts" --width 20 --steps 1700 --seed "$seed"
[ -f "$folder/materials/model.npz" ] ||
    "$genlock" train materials "$folder/dataset" "$folder/dataset-short" -o "$folder/materials" --seed "$seed" \
        --drawn "$((films * 2600 / 1600))"
[ -f "$folder/touches/model.npz" ] ||
    "$genlock" train touches "$folder/dataset" -o "$folder/touches" --seed "$seed" \
        --contacts "$folder/contacts"
[ -f "$folder/codec/model.npz" ] ||
    "$genlock" train codebook "$folder/dataset" -o "$folder/codec" --seed "$seed" --steps 2000
[ -f "$folder/vocoder/model.npz" ] ||
    "$genlock" train vocoder "$folder/dataset" -o "$folder/vocoder" --seed "$seed" \
        --codec "$folder/codec" --coded 0.35 --batch 6 --heard 2 --steps 520
[ -f "$folder/writer/model.npz" ] ||
    "$genlock" train writer "$folder/dataset" -o "$folder/writer" --seed "$seed" \
        --codec "$folder/codec" --vocoder "$folder/vocoder"
