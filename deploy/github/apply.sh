#!/usr/bin/env bash
# Applies, waits for the deployments, and tells what runs afterwards in the job's summary.
#
#     apply.sh PATH…          what `ecs-operator apply` and `ecs-operator status` both take
#
# Ends with the exit code of `ecs-operator apply`.
set -euo pipefail

code=0
ecs-operator apply --wait "$@" || code=$?
# Its own answer says again what apply's has said.
ecs-operator status --output markdown "$@" >>"${GITHUB_STEP_SUMMARY:-/dev/null}" || true
exit "$code"
