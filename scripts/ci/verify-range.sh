#!/bin/sh
# Judges the commits a pull request brings, by a policy or by one identity; the action runs it, and any
# other CI may. Everything comes from the environment:
#
#   SIGNET_BASE, SIGNET_HEAD   the commits after BASE up to HEAD
#   SIGNET_POLICY_FILE or SIGNET_ANCHOR, else SIGNET_IDENTITY and SIGNET_IDENTITY_ISSUER
#   SIGNET_REF                 the ref they are for (default: the policy branch)
#   SIGNET_FORMAT              text, or github for annotations
#
# Exits as `git signet verify`: anything but 0 is a no.
set -eu

: "${SIGNET_BASE:?names no commit}" "${SIGNET_HEAD:?names no commit}"
for commit in "$SIGNET_BASE" "$SIGNET_HEAD"; do
  case $commit in
    -* | *[!0-9A-Za-z/_.^~-]*) echo "not a revision: $commit" >&2; exit 2 ;;
  esac
done
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  echo 'the checkout is shallow, and history that is not here cannot be checked: fetch all of it' >&2
  exit 4
fi

set -- verify --format "${SIGNET_FORMAT:-text}"
[ -z "${SIGNET_REF:-}" ] || set -- "$@" --for "$SIGNET_REF"
exec git-signet "$@" "$SIGNET_BASE..$SIGNET_HEAD"
