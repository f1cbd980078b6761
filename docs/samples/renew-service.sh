#!/bin/sh
# Pays a server's open renewal, once however often this is sent.
#   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… PURSER_VMID=12345 sh renew-service.sh
set -eu

# Keep this name before you send it: after a lost answer, send the same again under the same name.
name="renew-$PURSER_VMID-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"

renew() {
  curl -sS --max-time 30 --retry 4 --retry-all-errors "$PURSER_URL" \
    -H "Idempotency-Key: $name" \
    -d "API_KEY=$PURSER_KEY" \
    -d "QUERY=renew_service" \
    -d "VMID=$PURSER_VMID"
}

echo "answer: $(renew)"
echo "again:  $(renew)"
