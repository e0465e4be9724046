#!/usr/bin/env bash
# The whole path on the finance example: recommend, index, ask, train, ask again. `make demo` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/demo
show() { printf '\n\033[1m$ %s\033[0m\n' "$(printf '%q ' "$@")"; "$@"; }
step() { printf '\n\033[1;36m── %s\033[0m\n' "$1"; }
ask() { printf '\n\033[1m$ advisor ask "%s" %s\033[0m\n' "$1" "${*:2}"; advisor ask "$@"; }

step "1. What should we do? A 24 GB card, these documents, these questions"
show advisor recommend --vram 24 --data examples/finance/docs --examples examples/finance/qa.jsonl --out $out/plan.json

step "2. Index the documents"
show advisor index examples/finance/docs --out $out/finance

step "3. Ask: in English, in Chinese, and something the documents do not say"
ask "Why was the research on a drive with a magnetic gear given up?" --index $out/finance
ask "2025 年上半年第二工厂一共交付了多少兆瓦？" --index $out/finance
ask "Can I bring my dog to the office at Tarn Quay?" --index $out/finance

step "4. What a trained reader adds: a short answer with its place (sentences alone, then with the reader)"
ask "When do the private placement notes fall due?" --index $out/finance --domain none
ask "When do the private placement notes fall due?" --index $out/finance
show python examples/readers.py finance --index $out/finance

step "5. Train: LoRA on MiniLM with the labelled headlines"
rm -rf $out/headlines
show advisor train examples/finance/headlines.jsonl --objective classify --method lora --model minilm --out $out/headlines

step "6. The same assistant without and with the adapter"
ask "What does the company say about orders and profit in the first half of 2025?" --index $out/finance
ask "What does the company say about orders and profit in the first half of 2025?" --index $out/finance --adapter $out/headlines

step "7. Next"
echo "Open the application:  .venv/bin/advisor chat --index $out/finance"
echo "Serve it over HTTP:    .venv/bin/advisor serve --index $out/finance"
