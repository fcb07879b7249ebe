import { describe, expect, test } from 'vitest'
import { parseSigningConfig, selectServices } from '../../src/sigstore/signing-config.ts'
import type { Service } from '../../src/sigstore/signing-config.ts'

const NOW = Date.parse('2026-11-21T00:00:00Z') / 1000

function service(url: string, changes: Partial<Service> = {}): Service {
  return {
    url,
    majorApiVersion: 1,
    validFrom: NOW - 100,
    validUntil: undefined,
    operator: url,
    ...changes,
  }
}

const urls = (services: readonly Service[]): string[] => services.map(({ url }) => url)
const ANY = { selector: 'ANY' } as const
const ALL = { selector: 'ALL' } as const

describe('selectServices()', () => {
  test('leaves out versions that are not known and services not valid now', () => {
    const offered = [
      service('a', { majorApiVersion: 3 }),
      service('b', { validFrom: NOW + 1 }),
      service('c', { validUntil: NOW - 1 }),
      service('d', { validFrom: NOW }),
      service('e', { validUntil: NOW }),
    ]
    expect(urls(selectServices(offered, ALL, [1, 2], NOW, 'log'))).toEqual(['d', 'e'])
  })

  test('prefers the highest version, then the newest, one an operator', () => {
    const offered = [
      service('old', { operator: 'x', validFrom: NOW - 50 }),
      service('v2', { operator: 'x', majorApiVersion: 2, validFrom: NOW - 90 }),
      service('v2-newer', { operator: 'x', majorApiVersion: 2, validFrom: NOW - 10 }),
      service('other', { operator: 'y', validFrom: NOW - 5 }),
    ]
    expect(urls(selectServices(offered, ANY, [1, 2], NOW, 'log'))).toEqual(['v2-newer'])
    expect(urls(selectServices(offered, ALL, [1, 2], NOW, 'log'))).toEqual(['v2-newer', 'other'])
    expect(urls(selectServices(offered, ANY, [1], NOW, 'log'))).toEqual(['other'])
  })

  test('gives exactly as many as asked for, or says how many there are', () => {
    const offered = [service('a'), service('b'), service('c')]
    const two = { selector: 'EXACT', count: 2 } as const
    expect(selectServices(offered, two, [1], NOW, 'log')).toHaveLength(2)
    const four = { selector: 'EXACT', count: 4 } as const
    expect(() => selectServices(offered, four, [1], NOW, 'log')).toThrow(
      expect.objectContaining({ code: 'NO_SERVICE', message: expect.stringContaining('offers 3') }),
    )
    expect(() => selectServices([], ANY, [1], NOW, 'log')).toThrow()
  })
})

const good = {
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  caUrls: [
    {
      url: 'https://fulcio.example',
      majorApiVersion: 1,
      validFor: { start: '2025-01-01T00:00:00Z' },
      operator: 'o',
    },
  ],
  rekorTlogUrls: [],
  rekorTlogConfig: { selector: 'EXACT', count: 1 },
  tsaConfig: { selector: 'ANY' },
}

describe('parseSigningConfig()', () => {
  test('reads version 0.2', () => {
    const config = parseSigningConfig(JSON.stringify(good))
    expect(config.ca[0]).toMatchObject({ url: 'https://fulcio.example', operator: 'o' })
    expect(config.rekorSelector).toEqual({ selector: 'EXACT', count: 1 })
    expect(config.tsa).toEqual([])
  })

  test.each([
    ['another version', { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }],
    ['a list that is none', { tsaUrls: {} }],
    ['a service without a URL', { tsaUrls: [{ majorApiVersion: 1, validFor: {} }] }],
    ['a time that is none', { caUrls: [{ ...good.caUrls[0], validFor: { start: 'yesterday' } }] }],
    ['no start', { caUrls: [{ ...good.caUrls[0], validFor: {} }] }],
    ['EXACT without a count', { rekorTlogConfig: { selector: 'EXACT' } }],
    ['an unknown selector', { tsaConfig: { selector: 'SOME' } }],
  ])('refuses %s', (_what, change) => {
    expect(() => parseSigningConfig(JSON.stringify({ ...good, ...change }))).toThrow(
      expect.objectContaining({ code: 'SIGNING_CONFIG_MALFORMED' }),
    )
  })
})
