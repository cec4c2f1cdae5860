#!/usr/bin/env bash
# Runs a command with a moto server beside it: AWS as somebody else wrote it.
#
#     tools/moto.sh cargo test --test all moto
#
# The command finds the server's URL in ECS_OPERATOR_MOTO_URL. moto is installed once, outside the clone; the server
# listens on a free port of 127.0.0.1 and ends with the command.
set -euo pipefail

moto="5.2.5"
cache="${ECS_OPERATOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ecs-operator}"
venv="$cache/moto-$moto"

if [ ! -e "$venv/ready" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "moto[server]==$moto"
    touch "$venv/ready"
fi

port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
# moto runs no tasks unless told to.
MOTO_ECS_SERVICE_RUNNING=1 "$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >/dev/null 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT

export ECS_OPERATOR_MOTO_URL="http://127.0.0.1:$port"
for _ in $(seq 100); do
    if python3 -c "import urllib.request; urllib.request.urlopen('$ECS_OPERATOR_MOTO_URL/moto-api/data.json')" 2>/dev/null; then
        "$@"
        exit
    fi
    kill -0 "$server"
    sleep 0.2
done
echo "moto does not answer" >&2
exit 1
