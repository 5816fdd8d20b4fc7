#!/bin/sh
# The kills of tests/cli/kill.sh by the hundred.
GRADUS_TEST_KILLS=${GRADUS_TEST_KILLS:-300}
export GRADUS_TEST_KILLS
cd "${GR_BUILD:-.}" || exit 1
exec sh "${GR_SOURCE:-.}/tests/cli/kill.sh"
