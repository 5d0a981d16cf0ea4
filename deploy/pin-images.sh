#!/bin/sh
# Writes the digest of each image into .env, as the registry gives it now. Compare them with their publishers, then keep the file.
set -eu
cd "$(dirname "$0")"
umask 077
digest() {
  docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}' | sed 's/^sha256://'
}
: > .env.new
echo "NODE_SHA256=$(digest node:24.21.0-bookworm-slim)" >> .env.new
echo "METRICS_SHA256=$(digest prom/prometheus:v3.5.0)" >> .env.new
echo "STORE_SHA256=$(digest postgres:17.6-bookworm)" >> .env.new
echo "PROXY_SHA256=$(digest caddy:2.10.2)" >> .env.new
echo "MODEL_SHA256=$(digest ollama/ollama:0.20.4)" >> .env.new
mv .env.new .env
