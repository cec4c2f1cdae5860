#!/usr/bin/env bash
# Keeps one comment on a pull request: makes it, or changes the one that is there.
#
#     comment.sh ID FILE      ID tells this comment from others of the same author; FILE holds its Markdown
#
# GITHUB_REPOSITORY and PULL_REQUEST say where, GH_TOKEN who. Only a comment of COMMENT_AUTHOR that begins with the marker
# is changed: who quotes the marker changes nothing. Exits with 2 when it is called wrongly, with 3 when GitHub refuses.
set -euo pipefail

# What GitHub takes: 65,536 characters, here counted as bytes, of which a text never has fewer.
limit=65536
author=${COMMENT_AUTHOR:-github-actions[bot]}

fail() {
    local code=$1
    shift
    printf '::error::%s\n' "$*" >&2
    exit "$code"
}

[ $# -eq 2 ] || fail 2 'usage: comment.sh ID FILE'
[ -f "$2" ] || fail 2 "the text of the comment, $2, is not there"
[ -n "${GITHUB_REPOSITORY:-}" ] || fail 2 'GITHUB_REPOSITORY is not set'
[ -n "${PULL_REQUEST:-}" ] || fail 2 'PULL_REQUEST is not set: this is for pull requests'

# Letters that could end the comment of HTML, or begin an escape, are left out of the marker; the sum keeps ids apart.
id=$(printf '%s' "$1" | tr -c 'A-Za-z0-9._/' '_')
sum=$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)
export MARKER="<!-- ecs-operator $id $sum -->" AUTHOR="$author"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    printf '%s\n' "$MARKER"
    cat "$2"
} >"$work/body"
if [ "$(wc -c <"$work/body")" -gt "$limit" ]; then
    printf '%s\n%s\n' "$MARKER" 'The text is too long for a comment: it is in the summary of the run.' >"$work/body"
fi

# Calls the API; what it says of a failure is kept.
call() {
    gh api -H 'Accept: application/vnd.github+json' "$@" 2>"$work/error"
}

refused() {
    fail 3 "$1 of pull request $PULL_REQUEST in $GITHUB_REPOSITORY: $(tr '\r\n' '  ' <"$work/error")"
}

comments="repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
# shellcheck disable=SC2016 # gh's own jq reads the variables.
own='.[] | select(.user.login == $ENV.AUTHOR and ((.body // "") | startswith($ENV.MARKER))) | .id'
found=$(call --paginate "$comments?per_page=100" --jq "$own") || refused 'GitHub does not list the comments'

# The oldest, should there be several.
comment=${found%%$'\n'*}
if [ -n "$comment" ]; then
    if call --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$comment" -F "body=@$work/body" >/dev/null; then
        exit 0
    fi
    # Deleted in the meantime: it is made anew.
    grep -q 'HTTP 404' "$work/error" || refused 'GitHub does not change the comment'
fi
call --method POST "$comments" -F "body=@$work/body" >/dev/null || refused 'GitHub does not take the comment'
