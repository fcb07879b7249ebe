import { expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import type { Facts } from '../../src/facts.ts'
import { objectId } from '../../src/git/objects.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { isoTime } from '../../src/encoding/time.ts'
import { readShared, readSharedLines, readTarGz } from '../shared.ts'
import { describeShared, expectedOutcome, found, recordCount } from './truth.ts'

interface Indexed {
  oid: string
  type: 'commit' | 'tag'
  verdict: string
  expect: string
  actualSignature?: string
  cert?: {
    san: string[]
    issuerDN: string
    oidcIssuer_1_1: string | null
    oidcIssuer_1_8: string | null
    fulcioExt: Record<string, string>
    notBefore: number
    notAfter: number
    serial: string
    sha256: string
  }
  tlog?: { kind: string; logIndex: string; integratedTime: number; log: string }
  sct?: { log: string }[]
}

describeShared('real objects of the corpus', () => {
  const index = readSharedLines<Indexed>('corpus/dev/index.jsonl')
  const objects = readTarGz(readShared('corpus/dev/objects.tar.gz'))
  const roots = [parseTrustedRoot(readShared('corpus/trusted_root.json').toString(), 'public')]
  const facts = new Map<string, Facts>()
  const factsOf = (oid: string): Facts => found(facts.get(oid), oid)
  const bytesOf = (type: string, oid: string): Buffer => found(objects.get(`${type}/${oid}`), oid)
  for (const { oid, type } of index) {
    const bytes = bytesOf(type, oid)
    const idMatches = objectId(type, bytes, 'sha1') === oid
    const object = { id: oid, type, format: 'sha1' as const, bytes, idMatches }
    facts.set(oid, runSync(verifyObject(object, roots)))
  }

  it('get the outcome and codes that are known of them', () => {
    const wrong = index.filter(({ oid, expect: expected, actualSignature }) => {
      const { outcome, codes, signature } = factsOf(oid)
      const wanted = expectedOutcome(expected, actualSignature)
      return (
        outcome !== wanted.outcome ||
        codes.join() !== wanted.codes.join() ||
        signature !== wanted.signature
      )
    })
    expect(wrong.map(({ oid, verdict }) => ({ oid, verdict, facts: factsOf(oid) }))).toEqual([])
    recordCount('corpus-objects', index.length)
  })

  it('get the certificate facts that are known of them', () => {
    for (const { oid, cert } of index) {
      if (cert === undefined) continue
      const { certificate, signer } = factsOf(oid)
      expect(certificate, oid).toMatchObject({
        serial: cert.serial,
        sha256: cert.sha256,
        not_before: isoTime(1000 * cert.notBefore),
        not_after: isoTime(1000 * cert.notAfter),
        san: cert.san,
      })
      if (cert.san.length !== 1) expect(signer, oid).toBeNull()
      else expect(signer?.issuer, oid).toBe(cert.oidcIssuer_1_8 ?? cert.oidcIssuer_1_1 ?? '')
      const claims = Object.entries(cert.fulcioExt).filter(([arc]) => arc !== '1' && arc !== '8')
      expect(Object.values(signer?.claims ?? {}).sort(), oid).toEqual(
        claims.map(([, text]) => text).sort(),
      )
    }
  })

  it('get the log entry and trusted time that are known of them', () => {
    for (const { oid, tlog, sct } of index) {
      const { log, times, checks } = factsOf(oid)
      if (tlog === undefined) {
        expect([log, times], oid).toEqual([[], []])
      } else {
        expect(log, oid).toEqual([
          { by: tlog.log, index: tlog.logIndex, kind: tlog.kind, version: '0.0.1' },
        ])
        const at = isoTime(1000 * tlog.integratedTime)
        expect(times, oid).toEqual([{ source: 'rekor-v1', at, by: tlog.log }])
      }
      if (sct !== undefined) {
        expect(
          checks.find(({ name }) => name === 'sct'),
          oid,
        ).toEqual({
          name: 'sct',
          result: 'passed',
          detail: sct[0]?.log,
        })
      }
    }
  })

  it('are not proven by the root of another instance', () => {
    const staging = [parseTrustedRoot(readShared('corpus/trusted_root.staging.json').toString())]
    for (const { oid, type, expect: expected } of index.filter((_, i) => i % 7 === 0)) {
      if (!expected.startsWith('PASS') && !expected.startsWith('INCOMPLETE')) continue
      const bytes = bytesOf(type, oid)
      const object = { id: oid, type, format: 'sha1' as const, bytes, idMatches: true }
      const { outcome, codes } = runSync(verifyObject(object, staging))
      expect([outcome, codes], oid).toEqual(['untrusted', ['UNTRUSTED_CERTIFICATE']])
    }
  })
})
