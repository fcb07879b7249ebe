import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseBundle } from '../../bundle/bundle.ts'
import { parsePublicKey, type PublicKey } from '../../crypto/keys.ts'
import { loadPrehashVerifier } from '../../crypto/prehash.ts'
import { runSync } from '../../crypto/verify.ts'
import { decodeUtf8 } from '../../encoding/bytes.ts'
import { escapeText } from '../../encoding/escape.ts'
import { decodeHex } from '../../encoding/hex.ts'
import { parsePemBundle } from '../../encoding/pem.ts'
import { EXIT, MalformedError, UnavailableError, UsageError } from '../../errors.ts'
import { publicGoodRoot } from '../../sigstore/public-good.ts'
import { parseTrustedRoot, type TrustedRoot } from '../../sigstore/trusted-root.ts'
import { verifyBundle, type Artifact, type BundleFacts } from '../../verification/bundle.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'

const DIGEST = /^sha256:([0-9a-f]{64})$/i

/** The protocol of sigstore-conformance: exit 0 accepts, everything else refuses. */
export const verifyBundleCommand = defineCommand({
  name: 'verify-bundle',
  summary: 'Verify a Sigstore bundle over a file',
  operands: 'FILE_OR_DIGEST',
  operandCount: { min: 1, max: 1 },
  description:
    'Says on standard error what failed. A digest is sha256: and 64 hex digits, where no file has that name.',
  examples: [
    'git-signet verify-bundle --bundle a.sigstore.json --certificate-identity alice@example.org --certificate-oidc-issuer https://accounts.google.com a.txt',
  ],
  options: {
    staging: { type: 'boolean', summary: 'refused without --trusted-root: no staging root ships' },
    bundle: { type: 'string', value: 'FILE', summary: 'the bundle' },
    'certificate-identity': {
      type: 'string',
      value: 'IDENTITY',
      summary: 'exact name that the certificate must have',
    },
    'certificate-oidc-issuer': {
      type: 'string',
      value: 'URL',
      summary: 'exact issuer that the certificate must have',
    },
    key: { type: 'string', value: 'PEM', summary: 'public key, for a bundle without certificate' },
    'trusted-root': {
      type: 'string',
      value: 'FILE',
      summary: 'trust this root, not the public one',
    },
  },
  async run(context, { options, positionals: [name = ''] }) {
    const identity = options['certificate-identity']
    const issuer = options['certificate-oidc-issuer']
    if (options.bundle === undefined) throw new UsageError('USAGE', '--bundle is missing')
    const wanted = identity !== undefined && issuer !== undefined ? { identity, issuer } : undefined
    // Either of them beside a key would be one that nobody compares.
    const isByKey = options.key !== undefined && identity === undefined && issuer === undefined
    if (!isByKey && (wanted === undefined || options.key !== undefined)) {
      throw new UsageError(
        'USAGE',
        'expected either --certificate-identity with --certificate-oidc-issuer, or --key',
      )
    }
    if (options.staging && options['trusted-root'] === undefined) {
      throw new UsageError('USAGE', 'no staging root ships', {
        hint: 'name one: --trusted-root FILE',
      })
    }
    const root = await readRoot(context, options['trusted-root'])
    const key = options.key === undefined ? undefined : await readKey(context, options.key)
    const bundle = parseBundle(await readText(context, options.bundle))
    const artifact = await readArtifact(context, name)
    const facts = runSync(verifyBundle(bundle, artifact, key, root))
    const why = whyRefused(facts, wanted)
    if (why === undefined) return EXIT.ok
    context.streams.stderr.write(`git-signet: refused: ${why}\n`)
    return EXIT.violation
  },
})

function whyRefused(
  { outcome, codes, checks, signer }: BundleFacts,
  wanted: { identity: string; issuer: string } | undefined,
): string | undefined {
  if (outcome !== 'proven') {
    const details = checks
      .filter(({ result }) => result === 'failed')
      .map(({ name, detail }) => (detail === undefined ? name : `${name}: ${detail}`))
    return escapeText(`${codes.join(' ')}${details.length > 0 ? ` (${details.join('; ')})` : ''}`)
  }
  if (wanted === undefined) return undefined
  if (signer?.value === wanted.identity && signer.issuer === wanted.issuer) return undefined
  return escapeText(`signed by ${signer?.value ?? '?'} (${signer?.issuer ?? '?'})`)
}

async function readRoot(context: Context, path: string | undefined): Promise<TrustedRoot> {
  return path === undefined ? publicGoodRoot() : parseTrustedRoot(await readText(context, path))
}

async function readKey(context: Context, path: string): Promise<PublicKey> {
  const [spki, ...more] = parsePemBundle(await readText(context, path), 'PUBLIC KEY')
  if (spki === undefined || more.length > 0) {
    throw new UsageError('USAGE', 'the file of --key holds more than one key')
  }
  return parsePublicKey(spki)
}

async function readArtifact(context: Context, name: string): Promise<Artifact> {
  const hex = DIGEST.exec(name)?.[1]
  const digest = hex === undefined ? undefined : decodeHex(hex.toLowerCase())
  if (digest !== undefined && !existsSync(resolve(context.cwd, name))) {
    return { sha256: digest, verifyPrehash: await loadPrehashVerifier() }
  }
  return { bytes: await readBytes(context, name) }
}

async function readText(context: Context, path: string): Promise<string> {
  const text = decodeUtf8(await readBytes(context, path))
  if (text === undefined) {
    throw new MalformedError('NOT_UTF8', `cannot read ${escapeText(path)}: it is not UTF-8`)
  }
  return text
}

async function readBytes(context: Context, path: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(context.cwd, path))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new UnavailableError('FILE_UNREADABLE', `cannot read ${escapeText(path)}: ${code}`, {
      cause: error,
    })
  }
}
