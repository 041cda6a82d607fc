#!/bin/sh
# Verifies the signature of one webhook (Standard Webhooks 1.0.0) with openssl. Ends with 0 if it is genuine, otherwise with 1.
# Usage: sh check_signature.sh SECRET WEBHOOK_ID WEBHOOK_TIMESTAMP WEBHOOK_SIGNATURE < BODY
# The secret is the channel's (`whsec_…`); the others are the headers webhook-id, webhook-timestamp and webhook-signature.
set -eu
secret=$1 id=$2 timestamp=$3 signatures=$4

# Refuse what is older or newer than five minutes: somebody may replay an old webhook.
age=$(($(date +%s) - timestamp))
[ "${age#-}" -le 300 ] || { echo "the timestamp is not of now" >&2; exit 1; }

key=$(printf %s "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
expected=$({ printf '%s.%s.' "$id" "$timestamp"; cat; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
# There is one signature for each valid secret; while a secret is replaced there are two.
for signature in $signatures; do
  [ "$signature" = "v1,$expected" ] && exit 0
done
echo "the signature is wrong" >&2
exit 1
