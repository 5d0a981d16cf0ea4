#!/bin/sh
# Writes the digest of each image into .env, as the registry gives it now. Compare them with their publishers, then keep the file.
set -eu
cd "$(dirname "$0")"
umask 077
trap "rm -f .env.new" EXIT
: > .env.new
# What is no digest stops here, and the .env of before stays.
pin() {
  found=$(docker buildx imagetools inspect "$2" --format '{{.Manifest.Digest}}')
  case "$found" in
    sha256:*[!0-9a-f]* | sha256:) echo "$2: no digest: $found" >&2; exit 1 ;;
    sha256:????????????????????????????????????????????????????????????????) ;;
    *) echo "$2: no digest: $found" >&2; exit 1 ;;
  esac
  echo "$1=${found#sha256:}" >> .env.new
}
pin NODE_SHA256 node:24.21.0-bookworm-slim
pin METRICS_SHA256 prom/prometheus:v3.5.0
pin STORE_SHA256 postgres:17.6-bookworm
pin PROXY_SHA256 caddy:2.10.2
pin MODEL_SHA256 ollama/ollama:0.20.4
mv .env.new .env
