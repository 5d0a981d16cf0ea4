#!/bin/sh
# Makes the secrets that can be made here, each a file that only its reader may open; those that exist stay.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
[ -e secrets/store_password ] || openssl rand -hex 32 > secrets/store_password
[ -e secrets/store_url ] || printf "postgres://rempart:%s@store/rempart" "$(cat secrets/store_password)" > secrets/store_url
# For a first try; put the certificate of your own authority in its place.
[ -e secrets/tls_key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout secrets/tls_key -out secrets/tls_certificate
chown 999:999 secrets/store_password
chown 10001:10001 secrets/store_url
chown 10001:10001 secrets/tls_certificate
chown 10001:10001 secrets/tls_key
