import { describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { decodeLogEntry, encodeLogEntry } from '../../src/tlog/entry.ts'
import { logEntryFromJson, logEntryToJson } from '../../src/tlog/entry-json.ts'
import { verifyLogEntry, type LogEntryClaim } from '../../src/tlog/verify-entry.ts'
import { sharedFolder } from '../shared.ts'
import { logsOf, signedObjects, type SignedObject } from './signed-objects.ts'

const present = sharedFolder !== undefined
const corpus = present ? signedObjects('corpus/dev').filter(({ entry }) => entry) : []
const interop = present ? signedObjects('interop').filter(({ entry }) => entry) : []
const corpusLogs = present ? logsOf('corpus/trusted_root.json') : []
const interopLogs = present ? logsOf('interop/trusted_root.json') : []

function claimOf(object: SignedObject | undefined, times: number[] = []): LogEntryClaim {
  if (object?.entry === undefined) throw new Error('the object has no entry')
  return { entry: object.entry, bodies: object.bodies, times }
}

function results(claim: LogEntryClaim, logs = interopLogs): string[] {
  return runSync(verifyLogEntry(claim, logs)).checks.map((check) => check.result)
}

describe.skipIf(!present)('verifyLogEntry() over real signatures (skipped: no shared data)', () => {
  it('proves every embedded entry of the corpus and of interop', () => {
    expect(corpus.length).toBeGreaterThan(50)
    expect(interop.length).toBeGreaterThan(30)
    for (const [objects, logs] of [
      [corpus, corpusLogs],
      [interop, interopLogs],
    ] as const) {
      for (const object of objects) {
        const proof = runSync(verifyLogEntry(claimOf(object), logs))
        expect([object.id, proof.outcome, proof.checks]).toEqual([
          object.id,
          'proven',
          proof.checks,
        ])
        const isV2 = proof.kindVersion.version === '0.0.2'
        expect(proof.integratedTime === undefined).toBe(isV2)
        expect(proof.tolerated).toEqual(isV2 ? ['kind-version'] : [])
      }
    }
  })

  it('reads and writes every entry byte for byte, through protobuf and JSON', () => {
    for (const { entryBytes, entry, id } of [...corpus, ...interop]) {
      if (entryBytes === undefined || entry === undefined) throw new Error(id)
      // gitsign writes an empty promise into Rekor v2 entries; that field alone is not kept.
      const written = encodeHex(entryBytes).replace('2a0032', '32')
      expect(encodeHex(encodeLogEntry(entry))).toBe(written)
      const throughJson = logEntryFromJson(logEntryToJson(entry))
      expect(encodeHex(encodeLogEntry(throughJson))).toBe(written)
      const again = decodeLogEntry(encodeLogEntry(entry))
      expect(logEntryToJson(again)).toEqual(logEntryToJson(entry))
    }
  })

  it('knows none of them under another trust root', () => {
    const proof = runSync(verifyLogEntry(claimOf(corpus[0]), interopLogs))
    expect(proof.outcome).toBe('unknown-log')
    expect(proof.checks.map((check) => check.result)).toEqual(Array(4).fill('not-checked'))
  })
})

describe.skipIf(!present)('verifyLogEntry() refuses (skipped: no shared data)', () => {
  const v1 = interop.find(({ entry }) => entry?.inclusionPromise !== undefined)
  const v2 = interop.find(({ entry }) => entry && entry.inclusionPromise === undefined)
  const otherV1 = interop.filter(({ entry }) => entry?.inclusionPromise !== undefined)[1]
  const v1Log = interopLogs[0]
  const v2Log = interopLogs[1]

  function changed(object: SignedObject | undefined, change: object, proofChange?: object) {
    const claim = claimOf(object)
    const proof = claim.entry.inclusionProof
    if (proof === undefined) throw new Error('the entry has no proof')
    const inclusionProof = proofChange ? { ...proof, ...proofChange } : proof
    return { ...claim, entry: { ...claim.entry, inclusionProof, ...change } }
  }

  it("another signature's entry", () => {
    const claim = { ...claimOf(v1), bodies: otherV1?.bodies ?? [] }
    expect(results(claim)).toEqual(['passed', 'failed', 'passed', 'failed'])
  })

  it('a body that is carried and is not the rebuilt one', () => {
    const body = otherV1?.bodies[0]?.bytes
    expect(results(changed(v1, { canonicalizedBody: body }))[0]).toBe('failed')
    expect(results(changed(v1, { canonicalizedBody: v1?.bodies[0]?.bytes }))).toEqual(
      Array(4).fill('passed'),
    )
  })

  it('an unknown kind or version', () => {
    expect(results({ ...claimOf(v1), bodies: [] })[0]).toBe('failed')
  })

  it('a shifted index, a cut proof, another root or size', () => {
    const proof = v1?.entry?.inclusionProof
    if (proof === undefined) throw new Error('no proof')
    for (const change of [
      { logIndex: proof.logIndex + 1n },
      { logIndex: proof.logIndex - 1n },
      { hashes: proof.hashes.slice(1) },
      { hashes: [...proof.hashes].reverse() },
      { hashes: [...proof.hashes, new Uint8Array(32)] },
      { rootHash: new Uint8Array(32) },
      { rootHash: new Uint8Array(0) },
      { treeSize: proof.treeSize + 1n },
    ]) {
      expect(results(changed(v1, {}, change))[1]).toBe('failed')
    }
  })

  it('an entry without proof, unless a bundle of v0.1 says so', () => {
    const claim = changed(v1, { inclusionProof: undefined })
    expect(results(claim)).toEqual(['passed', 'failed', 'failed', 'passed'])
    const lenient = runSync(verifyLogEntry({ ...claim, mayLackProof: true }, interopLogs))
    expect(lenient.outcome).toBe('proven')
    const neither = { ...claim.entry, inclusionPromise: undefined }
    const none = verifyLogEntry({ ...claim, entry: neither, mayLackProof: true }, interopLogs)
    expect(runSync(none).outcome).toBe('failed')
  })

  it('a checkpoint of another log, another size, or unsigned', () => {
    const own = v1?.entry?.inclusionProof?.checkpoint ?? ''
    for (const checkpoint of [
      v2?.entry?.inclusionProof?.checkpoint,
      own.replace(/\n\d+\n/, '\n999\n'),
      own.slice(0, own.indexOf('\n\n') + 2),
      '',
    ]) {
      expect(results(changed(v1, {}, { checkpoint }))[2]).toBe('failed')
    }
  })

  it('a promise over another time, index or body, and keeps the time unproven', () => {
    const entry = claimOf(v1).entry
    for (const change of [
      { integratedTime: entry.integratedTime + 1n },
      { logIndex: entry.logIndex + 1n },
      { inclusionPromise: otherV1?.entry?.inclusionPromise },
    ]) {
      const proof = runSync(verifyLogEntry(changed(v1, change), interopLogs))
      expect(proof.checks[3]?.result).toBe('failed')
      expect(proof.outcome).toBe('failed')
      expect(proof.integratedTime).toBeUndefined()
    }
  })

  it('a key outside its window, both of whose ends are inside', () => {
    const time = Number(v1?.entry?.integratedTime)
    if (v1Log === undefined || v2Log === undefined) throw new Error('no logs')
    const v1At = (validFrom: number, validUntil: number): string | undefined =>
      results(claimOf(v1), [{ ...v1Log, validFrom, validUntil }])[3]
    expect(v1At(time, time)).toBe('passed')
    expect(v1At(time + 1, time + 2)).toBe('failed')
    expect(v1At(time - 2, time - 1)).toBe('failed')
    const v2At = (validFrom: number, validUntil: number): string | undefined =>
      results(claimOf(v2, [time]), [{ ...v2Log, validFrom, validUntil }])[2]
    expect(v2At(time, time)).toBe('passed')
    expect(v2At(time + 1, time + 2)).toBe('failed')
    expect(v2At(time - 2, time - 1)).toBe('failed')
  })

  it('nothing where the same key is listed twice and one window fits', () => {
    if (v1Log === undefined) throw new Error('no log')
    const ended = { ...v1Log, validUntil: v1Log.validFrom + 1 }
    expect(results(claimOf(v1), [ended, v1Log])).toEqual(Array(4).fill('passed'))
  })

  it('an index in Rekor v2 that is not the one of the proof', () => {
    const entry = claimOf(v2).entry
    const claim = changed(v2, { logIndex: entry.logIndex + 1n })
    expect(results(claim)[1]).toBe('failed')
  })
})
