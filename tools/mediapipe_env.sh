#!/bin/sh
# An environment of its own for MediaPipe's package, the oracle of benchmarks/landmarks.py: it pins old versions of
# numpy and protobuf, so it must not share one with Genlock. Only what its face mesh needs is installed (no JAX).
#
#   tools/mediapipe_env.sh build/mediapipe        PYTHON=python3.11 chooses the interpreter (3.9 to 3.12)
set -eu
folder=${1:?"usage: $0 FOLDER"}
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install --quiet --no-deps mediapipe==0.10.21
"$folder/bin/pip" install --quiet "numpy<2" "protobuf>=4.25.3,<5" absl-py attrs flatbuffers matplotlib \
    "opencv-contrib-python-headless<4.12" sounddevice
"$folder/bin/python" -c "import mediapipe; print('mediapipe', mediapipe.__version__, 'is in', '$folder')"
