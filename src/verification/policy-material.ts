import { sha256 } from '../crypto/digest.ts'
import { decodeUtf8, latin1 } from '../encoding/bytes.ts'
import { escapeText } from '../encoding/escape.ts'
import { encodeHex } from '../encoding/hex.ts'
import { MalformedError } from '../errors.ts'
import { tableOf } from '../policy/model.ts'
import type { Policy, TrustPin } from '../policy/model.ts'
import type { PolicyProblem } from '../policy/problem.ts'
import { parseTrustedRoot } from '../sigstore/trusted-root.ts'
import type { TrustedRoot, TrustRoots } from '../sigstore/trusted-root.ts'
import { parseOpenpgpKeys } from './openpgp-packets.ts'
import type { OpenpgpKey } from './openpgp-packets.ts'
import type { PolicyFiles } from './policy-files.ts'

/** What a policy pins and the files beside it hold. */
export interface PinnedMaterial {
  /** Only keys whose own fingerprint the policy names. */
  readonly openpgpKeys: readonly OpenpgpKey[]
  /** In the order of the file, each with the name of its `[trust.NAME]`. */
  readonly roots: readonly TrustedRoot[]
  /** Code `MATERIAL`: what is pinned and not there. It counts for nobody; the rest stands. */
  readonly problems: readonly PolicyProblem[]
}

/** What a policy needs besides its own text to recognise signers. */
export interface PolicyMaterial {
  /** The policy's own roots first, so that what they prove bears their names. */
  readonly roots: TrustRoots
  readonly openpgpKeys: readonly OpenpgpKey[]
  /** What the policy names and cannot be had: nobody is recognised by it. */
  readonly missing: readonly string[]
}

/** Far more than any project has; bounds what a hostile tree makes us read. */
const maxKeyFiles = 1000
const maxKeyFileBytes = 1 << 20

/**
 * What a policy pins beside the roots of the settings.
 *
 * @param roots - those of the settings; a pinned one takes the place of one with its name
 * @throws UnavailableError POLICY_FILE
 */
export async function loadPolicyMaterial(
  policy: Policy,
  files: PolicyFiles,
  roots: TrustRoots,
): Promise<PolicyMaterial> {
  const { openpgpKeys, roots: pinned, problems } = await policyMaterial(policy, files)
  const others = roots.filter(({ name }) => !policy.trust.has(name))
  return {
    roots: [...pinned, ...others],
    openpgpKeys,
    missing: problems.map(({ key, message }) => `${key}: ${message}`),
  }
}

/**
 * Reads the OpenPGP keys and private trust roots that a policy pins from the files beside it. A key or
 * root that is absent, or is not what was pinned, is a problem and is left out, so that nobody is
 * known by it. Fetches nothing.
 *
 * @throws UnavailableError POLICY_FILE where the files could not be read
 */
export async function policyMaterial(policy: Policy, files: PolicyFiles): Promise<PinnedMaterial> {
  const problems: PolicyProblem[] = []
  const openpgpKeys = await pinnedKeys(policy, files, problems)
  const roots: TrustedRoot[] = []
  for (const pin of policy.trust.values()) {
    const root = await pinnedRoot(pin, files)
    if (typeof root !== 'string') roots.push(root)
    else problems.push(material(pin.line, `trust.${pin.name}.root`, root))
  }
  problems.sort((a, b) => a.line - b.line)
  return { openpgpKeys, roots, problems }
}

async function pinnedKeys(
  policy: Policy,
  files: PolicyFiles,
  problems: PolicyProblem[],
): Promise<OpenpgpKey[]> {
  const pins = [...policy.entries.values()].flatMap((entry) =>
    (entry.kind === 'shared' ? [] : entry.keys)
      .filter(({ kind }) => kind === 'openpgp-key')
      .map(({ value, line }) => ({ value, line, key: `${tableOf(entry)}.${entry.name}.pgp` })),
  )
  if (pins.length === 0) return []
  const { keys, broken } = await keysInFolder(files)
  const found = new Map(keys.map((key) => [key.fingerprint, key]))
  const also = broken.length === 0 ? '' : `; could not be read: ${broken.join(', ')}`
  for (const { value, line, key } of pins) {
    if (found.has(value)) continue
    const shown = value.toUpperCase()
    problems.push(material(line, key, `no file in .signet/keys/ has the key ${shown}${also}`))
  }
  return pins.flatMap(({ value }) => found.get(value) ?? [])
}

async function keysInFolder(
  files: PolicyFiles,
): Promise<{ keys: OpenpgpKey[]; broken: readonly string[] }> {
  const keys: OpenpgpKey[] = []
  const broken: string[] = []
  const names = await files.list('.signet/keys')
  for (const name of names.slice(0, maxKeyFiles)) {
    const bytes = await files.read(`.signet/keys/${name}`)
    if (bytes === undefined || !isOpenpgp(bytes)) continue
    try {
      if (bytes.length > maxKeyFileBytes) throw new MalformedError('OPENPGP_MALFORMED', 'too large')
      keys.push(...parseOpenpgpKeys(bytes))
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      broken.push(`${escapeText(name)} (${error.message})`)
    }
  }
  return { keys, broken }
}

/** SSH keys and notes for people may lie there too. */
function isOpenpgp(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >= 0x80 || latin1(bytes.subarray(0, 15)) === '-----BEGIN PGP '
}

/** The root, or why it cannot be used. */
async function pinnedRoot(pin: TrustPin, files: PolicyFiles): Promise<TrustedRoot | string> {
  const path = escapeText(pin.root)
  const bytes = await files.read(pin.root)
  if (bytes === undefined)
    return `there is no file ${path} (.signet is the folder of the policy file): copy the trusted root there that git signet status names`
  const actual = encodeHex(sha256(bytes))
  if (actual !== pin.sha256)
    return `${path} is not the file that was pinned: its SHA-256 is ${actual}`
  const text = decodeUtf8(bytes)
  if (text === undefined) return `${path} is not UTF-8`
  try {
    return { ...parseTrustedRoot(text, pin.name), source: pin.root }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return `${path}: ${error.message}`
  }
}

function material(line: number, key: string, message: string): PolicyProblem {
  return { code: 'MATERIAL', line, key, message }
}
