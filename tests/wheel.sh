#!/usr/bin/env bash
# The wheel works as it is for somebody who has nothing else: in an empty environment, outside of the checkout.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

mkdir "$place/source" "$place/elsewhere"
cp -r "$checkout"/{pyproject.toml,README.md,LICENSE,weightlab} "$place/source"
find "$place/source" -name __pycache__ -prune -exec rm -r {} +

"${PYTHON:-python3}" -m venv "$place/venv"
pip=("$place/venv/bin/python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" wheel --no-deps --wheel-dir "$place" "$place/source"
"${pip[@]}" install --constraint "$checkout/constraints.txt" "$place"/weightlab-*.whl

cd "$place/elsewhere"
"$place/venv/bin/weightlab" decompose ms-loss --plot
test -s figures/ms-loss.png -a -s figures/ms-loss.csv
"$place/venv/bin/weightlab" train --steps 20 --out run
test -s run/model.safetensors -a -s run/metrics.json
"$place/venv/bin/weightlab" evaluate run
