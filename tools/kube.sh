#!/usr/bin/env bash
# Runs a command with a kube-apiserver, an etcd and a kubectl at hand: the real Kubernetes API, without nodes.
#
#     tools/kube.sh cargo test --test all kube
#
# The command finds the folder that holds them in ECS_OPERATOR_KUBE. Where KUBEBUILDER_ASSETS names such a folder it is
# taken; otherwise they are built once with Go from the sources that tools/kube/go.sum pins, outside the clone. That
# needs the Go module proxy, about 3 GB of disk and 2 GB of memory while it builds, and some minutes.
set -euo pipefail

kubernetes="1.36.3"
module="$(cd "$(dirname "$0")/kube" && pwd)"
cache="${ECS_OPERATOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ecs-operator}"
dir="${KUBEBUILDER_ASSETS:-$cache/kube-$kubernetes}"

complete() {
    [ -x "$dir/kube-apiserver" ] && [ -x "$dir/etcd" ] && [ -x "$dir/kubectl" ]
}

# Into a folder of its own that is then renamed: half a build is never taken for a whole one.
build() {
    local new="$dir.$$"
    mkdir -p "$new"
    trap 'rm -rf "$new"' EXIT
    (
        cd "$module"
        export CGO_ENABLED=0 GOWORK=off GOCACHE="$new/go-build"
        version="-X k8s.io/component-base/version.gitVersion=v$kubernetes"
        go build -trimpath -ldflags "-s -w $version" -o "$new/" \
            k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl
        go build -trimpath -ldflags "-s -w" -o "$new/etcd" go.etcd.io/etcd/server/v3
    )
    rm -rf "$new/go-build" "$dir"
    mv "$new" "$dir"
    trap - EXIT
}

if ! complete; then
    if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
        echo "KUBEBUILDER_ASSETS: $dir lacks kube-apiserver, etcd or kubectl" >&2
        exit 1
    fi
    if ! command -v go >/dev/null; then
        echo "no Go to build kube-apiserver, etcd and kubectl with: install it, or let KUBEBUILDER_ASSETS name them" >&2
        exit 1
    fi
    echo "building kube-apiserver, etcd and kubectl $kubernetes into $dir (once)" >&2
    build
fi

export ECS_OPERATOR_KUBE="$dir"
exec "$@"
