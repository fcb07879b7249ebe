import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSettings } from '../../src/config/settings.ts'
import { parseGitConfig } from '../../src/git/config.ts'
import { chooseServices } from '../../src/signing/services.ts'

const NOW = Date.parse('2026-11-21T00:00:00Z') / 1000
let folder: string
let file: string

function write(changes: Record<string, unknown> = {}): void {
  const of = (url: string, majorApiVersion = 1, operator = url) => ({
    url,
    majorApiVersion,
    validFor: { start: '2026-01-01T00:00:00Z' },
    operator,
  })
  writeFileSync(
    file,
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: [of('https://ca.example')],
      oidcUrls: [of('https://oidc.example')],
      rekorTlogUrls: [of('https://v1.example', 1, 'o'), of('https://v2.example', 2, 'o')],
      rekorTlogConfig: { selector: 'ANY' },
      tsaUrls: [of('https://tsa.example/api/v1/timestamp')],
      tsaConfig: { selector: 'ANY' },
      ...changes,
    }),
  )
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'git-signet-services-'))
  file = join(folder, 'signing_config.json')
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

function choose(env: Record<string, string> = {}) {
  return chooseServices(loadSettings({ env, gitConfig: parseGitConfig('') }), NOW)
}

describe('chooseServices()', () => {
  test('without any configuration: the public ones, Rekor v1, no timestamp', () => {
    const services = choose()
    expect(services.fulcio.href).toBe('https://fulcio.sigstore.dev/')
    expect(services.log).toMatchObject({ version: 1 })
    expect(services.log.url.href).toBe('https://rekor.sigstore.dev/')
    expect(services.timestampUrl).toBeUndefined()
  })

  test('a signing configuration selects, the highest API version first', () => {
    write()
    const services = choose({ SIGNET_SIGNING_CONFIG: file })
    expect(services.fulcio.href).toBe('https://ca.example/')
    expect(services.issuer).toBe('https://oidc.example')
    expect(services.log).toMatchObject({ version: 2 })
    expect(services.log.url.href).toBe('https://v2.example/')
    expect(services.timestampUrl?.href).toBe('https://tsa.example/api/v1/timestamp')
  })

  test('what a setting names wins over the signing configuration', () => {
    write()
    const env = { SIGNET_SIGNING_CONFIG: file }
    expect(choose({ ...env, SIGNET_REKOR_VERSION: '1' }).log.url.href).toBe('https://v1.example/')
    const services = choose({ ...env, SIGNET_REKOR_URL: 'https://mine.example' })
    expect(services.log).toMatchObject({ version: 1 })
    expect(choose({ ...env, SIGNET_FULCIO_URL: 'https://f.example' }).fulcio.host).toBe('f.example')
  })

  test('Rekor v2 without a timestamp authority is refused', () => {
    write({ tsaUrls: [] })
    expect(() => choose({ SIGNET_SIGNING_CONFIG: file })).toThrow(
      expect.objectContaining({ code: 'TIMESTAMP_NEEDED', exit: 2 }),
    )
  })

  test('more logs than a git signature can hold are refused', () => {
    const log = (operator: string) => ({
      url: `https://${operator}.example`,
      majorApiVersion: 1,
      validFor: { start: '2026-01-01T00:00:00Z' },
      operator,
    })
    const rekorTlogUrls = [log('a'), log('b')]
    write({ rekorTlogUrls, rekorTlogConfig: { selector: 'EXACT', count: 2 } })
    expect(() => choose({ SIGNET_SIGNING_CONFIG: file })).toThrow(
      expect.objectContaining({ code: 'NO_SERVICE', exit: 2 }),
    )
  })
})
