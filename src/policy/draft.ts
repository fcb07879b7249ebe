import type { Signer } from '../facts.ts'
import { CLAIM_NAMES } from './claims.ts'
import { GITHUB_ACTIONS_ISSUER, showIssuer } from './issuers.ts'

/** Somebody who has signed, by evidence alone. */
export interface SeenSigner {
  readonly signer: Signer
  readonly count: number
  /** Committer addresses of what was signed. */
  readonly addresses: readonly string[]
}

/** A key that signatures name and that nothing was verified by. */
export interface ClaimedKey {
  /** Upper-case hex: a fingerprint, or only its end. */
  readonly key: string
  readonly count: number
  readonly addresses: readonly string[]
}

export interface DraftInput {
  readonly policyBranch: string
  /** Most commits first. */
  readonly seen: readonly SeenSigner[]
  /** Committer addresses of unsigned or unproven commits, with counts. */
  readonly others: readonly { readonly address: string; readonly count: number }[]
  /** OpenPGP keys by what signatures say, most commits first. */
  readonly claimed?: readonly ClaimedKey[]
  /** Address of whoever asks: the admin of the draft, if it has signed. */
  readonly me?: string | undefined
  /** Digests of trust roots other than the public one, by name. */
  readonly roots: ReadonlyMap<string, string>
}

/**
 * A policy for those who have signed so far: every issuer in it was proven, nothing is guessed. Without
 * anybody it is a template of comments.
 */
export function draftPolicy(input: DraftInput): string {
  if (input.seen.length === 0) return template(input)
  const names = new NameChooser()
  const named = input.seen.map((seen) => ({ seen, name: names.choose(localPart(seen)) }))
  const people = named.filter(({ seen }) => !isWorkflow(seen.signer))
  const mine = people.find(({ seen }) => isMe(seen, input.me))
  const admin = mine ?? people[0]
  const head =
    admin === undefined
      ? '# admins = ["NAME"]   # only workflows have signed so far, and a person must administer'
      : `admins = [${quoted(admin.name)}]   # ${mine === undefined ? 'signed most; ' : ''}who may change this file: name at least two`
  const by = named.map(({ name }) => quoted(name)).join(', ')
  return [
    '# Who may write this repository. Look at every line before you sign it.',
    'version = 1',
    head,
    '',
    ...named.flatMap(({ seen, name }) => [...entryLines(name, seen, input.roots), '']),
    ...claimedLines(input.claimed ?? [], names),
    ...unsignedLines(input.others),
    ...rootLines(input.seen, input.roots),
    '[[protect]]',
    `refs = [${quoted(input.policyBranch)}]`,
    `by = [${by}]`,
    '',
    '# [[protect]]',
    '# refs = ["refs/tags/v*"]',
    `# by = [${admin === undefined ? '"NAME"' : quoted(admin.name)}]`,
    '',
  ].join('\n')
}

/** `[people.NAME]`, or `[bots.NAME]` for a workflow, as lines. */
export function entryLines(
  name: string,
  { signer, count, addresses }: SeenSigner,
  roots: ReadonlyMap<string, string>,
): string[] {
  const isBot = isWorkflow(signer)
  const signed = `${String(count)} ${count === 1 ? 'commit' : 'commits'} signed so far`
  const lines = [`[${isBot ? 'bots' : 'people'}.${key(name)}]   # ${signed}`]
  if (signer.kind === 'ssh-key') lines.push(`ssh = [${quoted(signer.value)}]`)
  else if (signer.kind === 'openpgp-key') {
    lines.push(`pgp = [${quoted(signer.value.toUpperCase())}]   # its key goes to .signet/keys/`)
  } else {
    lines.push(`${signer.kind} = ${quoted(signer.value)}`)
    lines.push(`issuer = ${quoted(showIssuer(signer.issuer))}`)
    if (signer.trust !== 'public') {
      const unknown = roots.has(signer.trust) ? '' : '   # needs a [trust] table of this name'
      lines.push(`trust = ${quoted(signer.trust)}${unknown}`)
    }
  }
  if (isBot) {
    for (const claim of CLAIM_NAMES) {
      const value = signer.claims[claim]
      // What changes with every run or commit pins one commit, not a bot.
      if (value === undefined || !LASTING_CLAIMS.has(claim)) continue
      lines.push(`${claim} = ${quoted(value)}`)
    }
  }
  const isPlain = signer.kind === 'email' && addresses.every((address) => address === signer.value)
  if (!isPlain && addresses.length > 0) {
    lines.push(`git = [${addresses.map(quoted).join(', ')}]`)
  }
  return lines
}

const LASTING_CLAIMS: ReadonlySet<string> = new Set([
  'repository',
  'repository-id',
  'owner-id',
  'ref',
  'runner',
  'environment',
])

function isWorkflow({ kind, issuer, claims }: Signer): boolean {
  return issuer === GITHUB_ACTIONS_ISSUER || (kind === 'uri' && 'workflow' in claims)
}

function isMe({ signer, addresses }: SeenSigner, me: string | undefined): boolean {
  return me !== undefined && (signer.value === me || addresses.includes(me))
}

function localPart({ signer, addresses }: SeenSigner): string {
  if (isWorkflow(signer)) return /([^/]+?)(?:\.ya?ml)?@/.exec(signer.value)?.[1] ?? 'bot'
  const text = signer.kind === 'email' ? signer.value : (addresses[0] ?? signer.value)
  return text.split('@')[0] ?? ''
}

/** Short names, each given once. */
export class NameChooser {
  readonly #taken = new Set<string>()

  choose(text: string): string {
    const base =
      text
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '') || 'person'
    let name = base
    for (let count = 2; this.#taken.has(name); count++) name = `${base}-${String(count)}`
    this.#taken.add(name)
    return name
  }
}

/** Comments only: whose key it is has to be asked of the person. */
function claimedLines(claimed: readonly ClaimedKey[], names: NameChooser): string[] {
  if (claimed.length === 0) return []
  return [
    '# Signed with OpenPGP keys that nothing pins, so nothing is proven: signatures and commits say this',
    '# of themselves. Ask whose key it is; gpg --armor --export KEY > .signet/keys/NAME.asc; then take',
    '# the # away. Only the fingerprint of the very key that signs counts, be it a subkey.',
    ...claimed.flatMap((one) => ['#', ...claimedEntry(one, names)]),
    '',
  ]
}

function claimedEntry({ key: id, count, addresses }: ClaimedKey, names: NameChooser): string[] {
  const said = `${String(count)} ${count === 1 ? 'commit says' : 'commits say'} so`
  const pgp =
    id.length === 40
      ? `# pgp = [${quoted(id)}]`
      : `# pgp = ["…"]   # the whole fingerprint: gpg --fingerprint ${commentText(id)}`
  const [address = '', ...more] = addresses
  if (address === GITHUB_COMMITTER && more.length === 0) {
    return [
      `# [forges.${names.choose('github')}]   # ${said}: what GitHub itself merges; goes to merge-by of a rule`,
      pgp,
      `# committer = ${quoted(address)}`,
    ]
  }
  return [
    `# [people.${names.choose(address.split('@')[0] ?? '')}]   # ${said}`,
    pgp,
    ...(addresses.length > 0 ? [`# git = [${addresses.map(quoted).join(', ')}]`] : []),
  ]
}

/** As which GitHub commits what is done in a browser. */
const GITHUB_COMMITTER = 'noreply@github.com'

function unsignedLines(others: DraftInput['others']): string[] {
  if (others.length === 0) return []
  return [
    '# Not signed so far, or not provably; the address is what they say, and proves nothing:',
    ...others.map(({ address, count }) => `#   ${commentText(address)} (${String(count)})`),
    '',
  ]
}

function rootLines(seen: readonly SeenSigner[], roots: ReadonlyMap<string, string>): string[] {
  const used = new Set(seen.map(({ signer }) => signer.trust))
  return [...roots].flatMap(([name, digest]) => {
    if (!used.has(name)) return []
    return [
      `[trust.${key(name)}]   # copy the trusted root to this file`,
      `root = ${quoted(`.signet/trust/${name}.json`)}`,
      `sha256 = ${quoted(digest)}`,
      '',
    ]
  })
}

function template({ policyBranch, others, claimed = [] }: DraftInput): string {
  const isClaimed = claimed.length > 0
  return [
    `# Who may write this repository. ${isClaimed ? 'Nothing is proven' : 'Nobody has signed'} so far: take the # away where you know.`,
    '# Sign one commit and run git signet policy init again, and these lines are filled in.',
    '# version = 1',
    '# admins = ["alice"]              # who may change this file: name at least two',
    '#',
    '# [people.alice]',
    '# email = "alice@example.org"     # the address that the login proves, exactly',
    '# issuer = "https://…"            # who proves it: git signet inspect COMMIT shows it',
    '#',
    '# [[protect]]',
    `# refs = [${quoted(policyBranch)}]`,
    '# by = ["alice"]',
    '',
    ...claimedLines(claimed, new NameChooser()),
    ...unsignedLines(others),
  ].join('\n')
}

/** A basic string of TOML. */
export function quoted(text: string): string {
  // JSON escapes are a part of TOML's, but for what JSON leaves as it is.
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function key(name: string): string {
  return /^[\w-]+$/.test(name) ? name : quoted(name)
}

function commentText(text: string): string {
  return quoted(text).slice(1, -1)
}
