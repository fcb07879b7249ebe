import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { envFile, shellQuote } from '../../src/localstack/emitted-files.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { readShared, sharedPath } from '../shared.ts'

describe('emitted files', () => {
  let stack: LocalStack

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0 })
  })

  afterAll(async () => {
    await stack.close()
  })

  const read = (name: string): string => readFileSync(join(stack.directory, name), 'utf8')
  const readJson = (name: string): Record<string, unknown> =>
    JSON.parse(read(name)) as Record<string, unknown>

  test('trusted_root.json is read by our reader and by the specification’s own types', () => {
    const root = parseTrustedRoot(read('trusted_root.json'), 'local')
    expect(root.tlogs).toHaveLength(2)
    const other = TrustedRoot.fromJSON(readJson('trusted_root.json'))
    expect(other.certificateAuthorities[0]?.subject?.organization).toBe('git-signet LOCAL')
    expect(other.certificateAuthorities[0]?.certChain?.certificates).toHaveLength(2)
    expect(other.timestampAuthorities[0]?.certChain?.certificates).toHaveLength(2)
  })

  test.skipIf(sharedPath('interop') === undefined)(
    'trusted_root.json has the members of one made for the real services',
    () => {
      const real = JSON.parse(readShared('interop/trusted_root.json').toString('utf8')) as unknown
      expect(membersOf(readJson('trusted_root.json'))).toEqual(membersOf(real))
    },
  )

  test('every key is valid from a day before the stack was made', () => {
    const starts = [...read('trusted_root.json').matchAll(/"start": "([^"]+)"/g)]
    expect(starts).toHaveLength(5)
    for (const [, start = ''] of starts) {
      const age = Date.now() - Date.parse(start)
      expect(age).toBeGreaterThan(86_300_000)
      expect(age).toBeLessThan(86_700_000)
    }
  })

  test('signing_config.v0.2.json names every service; client_trust_config.json holds both', () => {
    const config = readJson('signing_config.v0.2.json')
    expect(config).toMatchObject({
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: [{ url: stack.url, majorApiVersion: 1 }],
      oidcUrls: [{ url: stack.issuer, majorApiVersion: 1 }],
      rekorTlogUrls: [
        { url: stack.url, majorApiVersion: 2 },
        { url: stack.url, majorApiVersion: 1 },
      ],
      tsaUrls: [{ url: stack.tsaUrl, majorApiVersion: 1 }],
    })
    expect(readJson('client_trust_config.json')).toEqual({
      mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
      trustedRoot: readJson('trusted_root.json'),
      signingConfig: config,
    })
  })

  test('a temporary stack leaves nothing behind', async () => {
    const temporary = await startLocalStack({ port: 0 })
    await temporary.close()
    expect(() => statSync(temporary.directory)).toThrow(/ENOENT/)
  })

  test('shellQuote() and envFile() survive every character', () => {
    expect(shellQuote("it's $HOME `x`")).toBe("'it'\\''s $HOME `x`'")
    expect(envFile({ A: '1 2', B: '' })).toBe("export A='1 2'\nexport B=''\n")
  })
})

/** Names of members at every level, the first element standing for a list. */
function membersOf(value: unknown): unknown {
  if (Array.isArray(value)) return [membersOf(value[0])]
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]): [string, unknown] => [name, membersOf(inner)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
