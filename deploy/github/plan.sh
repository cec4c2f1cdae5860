#!/usr/bin/env bash
# Plans, and tells the plan in a comment on the pull request and in the job's summary.
#
#     plan.sh PATH…           what `ecs-operator plan` takes, options included
#
# Needs what comment.sh needs; HEAD_SHA and RUN_URL say which commit and run the plan is of. There is one comment for each
# list of arguments, or for each COMMENT_ID where that is set. Ends with 0 when there is a plan, with or without changes,
# and with the exit code of `ecs-operator plan` when there is none or not all could be read.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

code=0
ecs-operator plan --check --output markdown "$@" >"$work/plan" 2>"$work/said" || code=$?
cat "$work/said" >&2

# What was said is shown as it is: indented by four, nothing in it can end the block.
quote() {
    # Enough to see what is wrong; the log has all of it.
    head -c 16384 "$1" | tr -d '\000-\010\013-\037\177' | sed 's/^/    /'
    printf '\n'
}

{
    if [ ! -s "$work/plan" ]; then
        printf '### No plan: exit code %s\n\n' "$code"
    fi
    cat "$work/plan"
    if [ -s "$work/said" ]; then
        printf '\n<details%s><summary>What ecs-operator said</summary>\n\n' "$([ -s "$work/plan" ] || printf ' open')"
        quote "$work/said"
        printf '\n</details>\n'
    fi
    printf '\n<p>Commit <code>%s</code> · <a href="%s">run</a></p>\n' "${HEAD_SHA:-unknown}" "${RUN_URL:-}"
} >"$work/comment"

cat "$work/comment" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
told=0
"$here/comment.sh" "${COMMENT_ID:-plan $*}" "$work/comment" || told=$?

case $code in
    0 | 1) exit "$told" ;;
    *) exit "$code" ;;
esac
