import { expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import type { Facts, ObjectFormat } from '../../src/facts.ts'
import { objectId } from '../../src/git/objects.ts'
import { parseEntryV1 } from '../../src/sigstore/rekor-v1.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import type { TransparencyLogEntry } from '../../src/tlog/entry.ts'
import { pushCertificate, verifyObject } from '../../src/verification/object.ts'
import { isoTime } from '../../src/encoding/time.ts'
import { describeShared, expectedOutcome, found, recordCount } from '../corpus/truth.ts'
import { readShared, readSharedLines, readTarGz } from '../shared.ts'

interface Indexed {
  oid: string
  type: 'commit' | 'tag'
  object_format: ObjectFormat
  case: string
  made_with: {
    gitsign: string
    entry: 'embedded' | 'online'
    log: 'rekor-v1' | 'rekor-v2'
    tsa: boolean
  }
  expect: string
  trusted_time: string | null
  cert_serial: string | null
  not_before: number
  not_after: number
  san: string[]
  extensions: Record<string, string> | null
  log_entry: { logIndex: string; kind: string; version: string; integratedTime: number } | null
  timestamp: { time: number } | null
}

type Online = Record<string, { entries: Record<string, never> }>

const REKOR = 'https://rekor.interop.test'
const TILES = 'https://tiles.interop.test'
const TSA = 'https://tsa.interop.test'

describeShared('what the Go programs made', () => {
  const index = readSharedLines<Indexed>('interop/index.jsonl')
  const objects = readTarGz(readShared('interop/objects.tar.gz'))
  const roots = [parseTrustedRoot(readShared('interop/trusted_root.json').toString(), 'interop')]
  const verify = (item: Indexed, entries?: TransparencyLogEntry[]): Facts => {
    const { oid, type, object_format: format } = item
    const bytes = found(objects.get(`${type}/${oid}`), oid)
    const idMatches = objectId(type, bytes, format) === oid
    return runSync(verifyObject({ id: oid, type, format, bytes, idMatches }, roots, { entries }))
  }

  it('every object gets its outcome, codes, trusted times and log facts', () => {
    for (const item of index) {
      const facts = verify(item)
      const label = `${item.case} ${item.oid}`
      const { outcome, codes, times, log, certificate } = facts
      expect({ outcome, codes, signature: facts.signature }, label).toEqual(
        expectedOutcome(item.expect),
      )
      if (item.expect === 'UNSIGNED') continue
      const sources = item.trusted_time?.split('+') ?? []
      expect(times.map(({ source }) => source).sort(), label).toEqual(sources.sort())
      const isV2 = item.made_with.log === 'rekor-v2'
      const isEmbedded = item.made_with.entry === 'embedded'
      expect(facts.tolerated, label).toEqual(isEmbedded && isV2 ? ['kind-version'] : [])
      const by = isV2 ? TILES : REKOR
      expect(log, label).toMatchObject(
        isEmbedded ? [{ by, kind: 'hashedrekord', version: isV2 ? '0.0.2' : '0.0.1' }] : [],
      )
      // Of commits of the SHA-256 repository the index knows no more than this.
      if (item.extensions === null) continue
      expect(certificate, label).toMatchObject({
        serial: item.cert_serial,
        not_before: isoTime(1000 * item.not_before),
        not_after: isoTime(1000 * item.not_after),
        san: item.san,
      })
      expect(facts.signer?.issuer, label).toBe(item.extensions['8'])
      const claims = Object.entries(item.extensions).filter(([arc]) => arc !== '1' && arc !== '8')
      expect(Object.values(facts.signer?.claims ?? {}).sort(), label).toEqual(
        claims.map(([, text]) => text).sort(),
      )
      if (isEmbedded) expect(log[0]?.index, label).toBe(item.log_entry?.logIndex)
      for (const { source, at, by: authority } of times) {
        const known = source === 'rekor-v1' ? item.log_entry?.integratedTime : item.timestamp?.time
        expect([at, authority], label).toEqual([
          isoTime(1000 * found(known, label)),
          source === 'rekor-v1' ? REKOR : TSA,
        ])
      }
    }
    recordCount('interop-objects', index.length)
  })

  it('the online kind is proven with what the log answered, and reported where gitsign 0.16 logged another id', () => {
    const online = JSON.parse(readShared('interop/online.json').toString()) as Online
    const items = index.filter(({ made_with: made }) => made.entry === 'online')
    expect(items.length).toBe(Object.keys(online).length)
    for (const item of items) {
      const answers = Object.values(found(online[item.oid], item.oid).entries)
      const facts = verify(item, answers.map(parseEntryV1))
      const label = `${item.case} ${item.oid}`
      expect([facts.outcome, facts.codes], label).toEqual(['proven', []])
      expect(facts.times.map(({ source }) => source)).toContain('rekor-v1')
      const isOldTag = item.type === 'tag' && item.made_with.gitsign === '0.16.1'
      expect(facts.tolerated, label).toEqual(isOldTag ? ['logged-id'] : [])
    }
  })

  it('the online kind is not proven with the entries of another object', () => {
    const online = JSON.parse(readShared('interop/online.json').toString()) as Online
    const items = index.filter(({ made_with: made }) => made.entry === 'online')
    for (const [i, item] of items.entries()) {
      const other = found(items[(i + 1) % items.length], item.oid)
      const answers = Object.values(found(online[other.oid], other.oid).entries)
      const facts = verify(item, answers.map(parseEntryV1))
      expect([facts.outcome, facts.codes]).toEqual(['incomplete', ['NOT_LOGGED']])
      expect(facts.checks.find(({ name }) => name === 'log-entry')?.detail).toBe(
        'the log has no entry for it',
      )
    }
  })

  it('the push certificate is proven', () => {
    const facts = runSync(
      verifyObject(pushCertificate(readShared('interop/push-certificate.txt')), roots),
    )
    expect(facts.object).toEqual({
      id: 'f389692d64c476a63d31607a1e5a622020280bd1',
      type: 'push-certificate',
      format: 'sha1',
    })
    expect([facts.outcome, facts.codes, facts.signer?.value]).toEqual([
      'proven',
      [],
      'alice@example.org',
    ])
    recordCount('interop-push-certificate', 1)
  })

  it('a push certificate of another form is refused before its signature is looked at', () => {
    const text = readShared('interop/push-certificate.txt').toString('latin1')
    for (const changed of [
      text.replace('certificate version 0.1', 'certificate version 0.2'),
      text.replace('\n\n', '\nnonce 1\n\n'),
      text.replace(' refs/heads/main', ''),
    ]) {
      const facts = runSync(verifyObject(pushCertificate(Buffer.from(changed, 'latin1')), roots))
      expect([facts.outcome, facts.codes]).toEqual(['bad', ['MALFORMED']])
      expect(facts.checks.find(({ name }) => name === 'object-form')?.result).toBe('failed')
    }
  })

  it('nothing is proven by the public-good root', () => {
    const publicGood = [parseTrustedRoot(readShared('corpus/trusted_root.json').toString())]
    for (const { oid, type, object_format: format, expect: expected } of index) {
      if (expected === 'UNSIGNED') continue
      const bytes = found(objects.get(`${type}/${oid}`), oid)
      const facts = runSync(
        verifyObject({ id: oid, type, format, bytes, idMatches: true }, publicGood),
      )
      expect([facts.outcome, facts.codes]).toEqual(['untrusted', ['UNTRUSTED_CERTIFICATE']])
    }
  })
})
