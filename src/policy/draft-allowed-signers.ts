import { NameChooser, draftPolicy, quoted } from './draft.ts'
import { parseSshKeyLine } from './ssh-key-line.ts'

/**
 * A policy from git's `allowed_signers` file (ssh-keygen(1), ALLOWED SIGNERS). Certificate authorities
 * and keys for other namespaces are left out and named in comments.
 */
export function draftFromAllowedSigners(text: string, policyBranch: string): string {
  const names = new NameChooser()
  const blocks: string[] = []
  const members: string[] = []
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const read = readAllowedSigner(line)
    if (typeof read === 'string') {
      blocks.push(`# line ${String(index + 1)} is left out: ${read}`, '')
      continue
    }
    const name = names.choose(read.principals[0]?.split('@')[0] ?? '')
    members.push(name)
    const until = read.until === undefined ? '' : `, until = ${read.until}`
    const item =
      read.until === undefined ? quoted(read.key) : `{ key = ${quoted(read.key)}${until} }`
    blocks.push(
      `[people.${name}]`,
      `ssh = [${item}]`,
      `git = [${read.principals.map(quoted).join(', ')}]`,
      '',
    )
  }
  const [first] = members
  if (first === undefined) {
    return [
      ...blocks,
      ...draftPolicy({ policyBranch, seen: [], others: [], roots: new Map() }).split('\n'),
    ].join('\n')
  }
  return [
    '# Who may write this repository, by the keys of an allowed_signers file.',
    'version = 1',
    `admins = [${quoted(first)}]   # the first of the file; who may change this one: name at least two`,
    '',
    ...blocks,
    '[[protect]]',
    `refs = [${quoted(policyBranch)}]`,
    `by = [${members.map(quoted).join(', ')}]`,
    '',
  ].join('\n')
}

interface AllowedSigner {
  readonly principals: readonly string[]
  readonly key: string
  readonly until: string | undefined
}

/** One line, or why it is left out. */
function readAllowedSigner(line: string): AllowedSigner | string {
  const match = /^(?:"([^"]*)"|(\S+))\s+(?:(.*?)\s+)?((?:ssh|ecdsa|sk)-\S+)\s+(\S+)/.exec(line)
  if (match === null) return 'it has no key'
  const [, quotedNames, bareNames, options = '', type = '', base64 = ''] = match
  const principals = (quotedNames ?? bareNames ?? '').split(',')
  if (principals.some((principal) => /[*?!<>]/.test(principal))) {
    return 'its principals are patterns: name the people'
  }
  if (/(^|,)cert-authority(,|$)/i.test(options)) return 'it is a certificate authority'
  const namespaces = /(^|,)namespaces="([^"]*)"/i.exec(options)?.[2]
  if (
    namespaces !== undefined &&
    !namespaces.split(',').some((name) => ['git', '*'].includes(name))
  )
    return 'its key is not for git'
  if (/(^|,)valid-after=/i.test(options)) {
    return 'valid-after cannot be kept: signatures by keys have no time that could be trusted'
  }
  const key = parseSshKeyLine(`${type} ${base64}`)
  if ('problem' in key) return key.problem
  const before = /(^|,)valid-before="?(\d{8})(\d{4}(?:\d\d)?)?(Z?)"?/i.exec(options)
  return { principals, key: key.value, until: before === null ? undefined : instant(before) }
}

function instant([, , day = '', time = '']: RegExpExecArray): string {
  const date = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`
  return `${date}T${time.slice(0, 2) || '00'}:${time.slice(2, 4) || '00'}:${time.slice(4) || '00'}Z`
}
