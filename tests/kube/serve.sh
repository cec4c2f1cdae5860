#!/bin/sh
# Runs an etcd and a kube-apiserver below FOLDER for as long as stdin is open. However the process at its other end ends,
# both are stopped by their ids and FOLDER is removed.
#
#     serve.sh BINARIES FOLDER PORT
set -u
bin=$1 folder=$2 port=$3
trap : INT TERM HUP
exec 3<&0

# One socket in the folder, and no port for peers that never come.
"$bin/etcd" --name one --data-dir "$folder/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "unix://$folder/etcd.sock" --advertise-client-urls http://127.0.0.1:1 \
    --listen-peer-urls https://127.0.0.1:0 --initial-advertise-peer-urls https://127.0.0.1:1 \
    --initial-cluster one=https://127.0.0.1:1 --peer-auto-tls >"$folder/etcd.log" 2>&1 3<&- &
etcd=$!

# The key that etcd makes for itself signs the service accounts' tokens as well as any.
key="$folder/etcd/fixtures/peer/key.pem"
until [ -s "$key" ]; do
    kill -0 "$etcd" || break
    sleep 0.05
done

"$bin/kube-apiserver" --etcd-servers "unix://$folder/etcd.sock" --bind-address 127.0.0.1 --secure-port "$port" \
    --cert-dir "$folder/certs" --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$key" --service-account-signing-key-file "$key" \
    --service-cluster-ip-range 10.0.0.0/24 --token-auth-file "$folder/tokens.csv" --authorization-mode RBAC \
    >"$folder/apiserver.log" 2>&1 3<&- &
api=$!

# Whichever comes first: nobody is there any more, or the server has ended by itself.
(cat <&3 >/dev/null; kill "$api") 2>/dev/null &
watch=$!
wait "$api"
kill -0 "$watch" 2>/dev/null && tail -n 5 "$folder/etcd.log" "$folder/apiserver.log" >&2
kill "$etcd" 2>/dev/null
wait "$etcd" 2>/dev/null
rm -rf "$folder"
