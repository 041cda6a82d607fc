#!/bin/sh
# A customer's calls with curl, jq and openssl: create a verification, follow it, download its evidence, register a person.
# Usage: COTEJO_URL=… COTEJO_API_KEY=… sh verify.sh FOLDER
set -eu
folder=${1:?where to save the evidence}
mkdir -p "$folder"
# The order's number in your own system. It makes the calls safe to repeat: the same key has an effect once.
order=${ORDER:-order-$(date +%s)-$$}

# call METHOD PATH [BODY]: prints the result, or the error and fails. Waits and repeats where the answer says so.
call() {
  for attempt in 1 2 3 4 5; do
    status=$(curl -sS -X "$1" "$COTEJO_URL$2" -o "$folder/answer.json" -D "$folder/headers.txt" -w '%{http_code}' \
      -H "Authorization: Bearer $COTEJO_API_KEY" -H "Idempotency-Key: $order" \
      ${3:+-H 'Content-Type: application/json' -d "$3"})
    case $status in
      2*) jq .result "$folder/answer.json"; return ;;
      429 | 503)
        wait=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]*\).*/\1/p' "$folder/headers.txt")
        sleep "${wait:-2}"
        ;;
      *) break ;;
    esac
  done
  echo "$1 $2: $status" >&2
  cat "$folder/answer.json" >&2
  return 1
}

# 1. Create the verification. 201: the provider has it. 202: it is stored, and the provider will get it.
process=$(call POST /processes '{
  "provider": "auco",
  "person": {"name": "Juan Pérez", "phone": "+573003003030", "email": "juan.perez@example.com"},
  "document": {"country": "CO", "type": "CC", "number": "1001001010"},
  "options": {"platform": "whatsapp", "email": "you@example.com"},
  "metadata": {"order": "'"$order"'"}
}')
id=$(echo "$process" | jq -r .id)
echo "created: $id"

# 2. Follow it. Use a webhook for this in production (verify.py), and poll seldom.
for round in $(seq 300); do
  process=$(call GET "/processes/$id")
  status=$(echo "$process" | jq -r .status)
  case $status in approved | rejected | expired | cancelled | failed) break ;; esac
  sleep 1
done
echo "status: $status ($(echo "$process" | jq -r '.status_reason // "no reason"'))"
echo "$process" | jq -r '.findings.checks[] | "  \(.name): \(.outcome)"'

# 3. Download the evidence. Its copies may still be under way when the verdict is there.
for round in $(seq 60); do
  [ "$(echo "$process" | jq -r .evidence_state)" != pending ] && break
  sleep 1
  process=$(call GET "/processes/$id")
done
echo "$process" | jq -r '.evidence[] | select(.state == "stored") | "\(.id) \(.kind) \(.sha256)"' > "$folder/evidence.txt"
while read -r evidence kind sha256; do
  url=$(call GET "/processes/$id/evidence/$evidence?expires_in_min=5" | jq -r .url)
  curl -sSf "$url" -o "$folder/$kind-$evidence"
  [ "$(openssl dgst -sha256 -r "$folder/$kind-$evidence" | cut -d ' ' -f 1)" = "$sha256" ]
  echo "saved: $kind"
done < "$folder/evidence.txt"

# 4. Register the person, with address and contact. A national id is one person's: PUT by it creates or changes.
person=$(call PUT /people/national-id/PESJ880212HDFHLX01 '{
  "name": "Juan", "first_lastname": "Perez", "second_lastname": "Suares"
}' | jq -r .id)
call POST /addresses '{
  "person_id": "'"$person"'", "street": "Marte", "ext_num": "12", "state": "DF", "municipality": "Iztacalco",
  "colony": "Cristobal Colon", "zip_code": "08016", "references": ""
}' > /dev/null
call POST /contacts '{"person_id": "'"$person"'", "email": "juan@example.com", "phone": "+525591038054"}' > /dev/null
call GET /people/national-id/PESJ880212HDFHLX01 |
  jq -r '"person: \(.name) \(.first_lastname), \(.addresses | length) address, \(.contact_data | length) contact"'
