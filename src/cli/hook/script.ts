import { quoteShell } from '../../encoding/shell.ts'
import { VERSION } from '../version.ts'
import type { HookFlags, HookName } from './flags.ts'
import { MOST_STEPS, READ_AHEAD_FD, renderReadAhead } from './read-ahead.ts'

const MARK = '# Written by git-signet'

export interface HookScript {
  readonly name: HookName
  readonly nodePath: string
  readonly programPath: string
  readonly flags: HookFlags
  /** An older hook of that name, called with the same input after the push passed. */
  readonly keptPath: string
}

/**
 * The hook git starts: absolute paths, because a service often has no node on its PATH. What cannot be
 * started rejects the push and says so.
 */
export function renderHook({ name, nodePath, programPath, flags, keptPath }: HookScript): string {
  const isAhead = name === 'pre-receive'
  const ahead = isAhead ? ['--read-ahead', String(READ_AHEAD_FD)] : []
  const words = ['hook', name, ...flagWords(flags), ...ahead, '--']
  return `#!/bin/sh
${MARK} ${VERSION}; "git signet hook install ${name}" writes it anew, "uninstall" removes it.
${describePolicy(flags)
  .map((line) => `# ${line}\n`)
  .join('')}node=${quoteShell(nodePath)}
program=${quoteShell(programPath)}
kept=${quoteShell(keptPath)}
unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_V8_COVERAGE
cannot() {
  echo "${flags.audit ? 'AUDIT ONLY, NOTHING IS REFUSED: could not check this push' : 'refused: could not check this push'}: $1" >&2
  echo "fix: on the server: git signet hook install ${name}" >&2
  exit ${flags.audit ? '0' : '1'}
}
[ -f "$program" ] || cannot "git-signet is gone from $program"
if [ ! -x "$node" ]; then
  found=$(command -v node) || cannot "node is gone from $node, and there is no other on the PATH"
  node=$found
fi
[ "\${1-}" = --self-test ] && exec "$node" "$program" --version
set -- ${words.map(quoteShell).join(' ')} "$@"
${isAhead ? renderAhead(words.length, flags) : renderPlain(words.length, name)}`
}

/** The same bytes for both; the shell drops line feeds at the end of what it reads, so one is kept off it. */
const READ_INPUT = `input=$(cat && echo .) || cannot "the input could not be read"
input=\${input%.}
`

/** git is asked while node starts. The shell reads a short input itself: starting cat takes a millisecond. */
function renderAhead(count: number, { anchor }: HookFlags): string {
  return `${renderReadAhead(anchor)}newline='
'
input= count=0 line=
while [ $count -lt ${String(MOST_STEPS)} ] && IFS= read -r line; do
  input=$input$line$newline
  count=$((count + 1))
  line=
done
if [ $count -eq ${String(MOST_STEPS)} ]; then
  line=$(cat && echo .) || cannot "the input could not be read"
  line=\${line%.}
  input=$input$line
  line=\${line##*"$newline"}
fi
[ -z "$line" ] || cannot "the input was cut off"
input=\${input%"$newline"}
ahead 2>/dev/null | "$node" "$program" "$@" ${String(READ_AHEAD_FD)}<&0 <<END || exit $?
$input
END
[ -x "$kept" ] || exit 0
shift ${String(count)}
printf '%s\\n' "$input" | "$kept" "$@"
`
}

function renderPlain(count: number, name: HookName): string {
  const [read, input, rest] =
    name === 'update' ? ['', '', ' </dev/null'] : [READ_INPUT, 'printf %s "$input" | ', '']
  return `if [ ! -x "$kept" ]; then
  exec "$node" "$program" "$@"
fi
${read}${input}"$node" "$program" "$@"${rest} || exit $?
shift ${String(count)}
${input === '' ? 'exec ' : input}"$kept" "$@"
`
}

/** What a hook enforces, a line each. */
export function describePolicy(flags: HookFlags): string[] {
  const { policy, anchor, audit } = flags
  const branch = flags['policy-branch'] ?? 'refs/heads/main'
  const lines = audit ? ['AUDIT ONLY: it reports, and refuses nothing.'] : []
  if (anchor !== undefined) {
    lines.push(`Trust starts at ${anchor} on ${branch}.`)
  }
  if (policy !== undefined) {
    lines.push(
      `Policy: ${policy}${anchor === undefined ? '.' : ' (the floor, where the anchor has a policy in its tree).'}`,
    )
  } else lines.push(`Policy: .signet/policy.toml on ${branch}, from the anchor on.`)
  for (const root of flags['trusted-root']) lines.push(`Trusted root: ${root}.`)
  return lines.map((line) => line.replaceAll('\n', ' '))
}

/** Whether a hook is one of ours. */
export function isOurHook(text: string): boolean {
  return text.split('\n')[1]?.startsWith(`${MARK} `) === true
}

/** The comment lines that say what an installed hook of ours enforces. */
export function readDescription(text: string): string[] {
  const lines = text.split('\n').slice(2)
  const end = lines.findIndex((line) => !line.startsWith('# '))
  return lines.slice(0, end).map((line) => line.slice(2))
}

/** The word after `node=` or `program=` of a hook of ours. */
export function readPath(text: string, name: 'node' | 'program'): string | undefined {
  const word = new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]
  return word?.startsWith("'") === true ? word.slice(1, -1).replaceAll("'\\''", "'") : word
}

function flagWords(flags: HookFlags): string[] {
  const { policy, anchor, audit } = flags
  const branch = flags['policy-branch']
  return [
    ...(policy === undefined ? [] : ['--policy', policy]),
    ...(anchor === undefined ? [] : ['--anchor', anchor]),
    ...(branch === undefined ? [] : ['--policy-branch', branch]),
    ...flags['trusted-root'].flatMap((root) => ['--trusted-root', root]),
    ...(audit ? ['--audit'] : []),
  ]
}
