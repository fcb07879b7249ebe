import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { bytesField } from '../../src/encoding/protobuf.ts'
import { SignetError } from '../../src/errors.ts'
import { parseTimestampResponse } from '../../src/rfc3161/response.ts'
import { parseTimestampToken } from '../../src/rfc3161/token.ts'
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts'
import { decodeLogEntry } from '../../src/tlog/entry.ts'
import { logEntryFromJson } from '../../src/tlog/entry-json.ts'
import { rootFromInclusionProof } from '../../src/tlog/merkle.ts'
import { parseNote } from '../../src/tlog/note.ts'
import { parseEntryBundle, parseTilePath } from '../../src/tlog/tile.ts'

const MIB = 1 << 20
const nested = (depth: number): Uint8Array => Buffer.from('30808080'.repeat(depth), 'hex')

const HOSTILE: readonly (readonly [string, () => unknown])[] = [
  ['a note of 1 MiB', () => parseNote('x'.repeat(MIB))],
  ['a note of a million blank lines', () => parseNote('\n'.repeat(1_000_000))],
  ['a note of 200,000 signature lines', () => parseNote(`a\n\n${'— a\n'.repeat(200_000)}`)],
  ['a checkpoint of 300,000 extensions', () => parseCheckpoint(`a\n1\n\n${'x\n'.repeat(300_000)}`)],
  ['a tree size of a million digits', () => parseCheckpoint(`a\n${'1'.repeat(1_000_000)}\n\n`)],
  [
    'a proof of 10,000 hashes',
    () =>
      decodeLogEntry(
        bytesField(6, Buffer.alloc(34 * 10_000, Buffer.from(bytesField(4, new Uint8Array(32))))),
      ),
  ],
  [
    'a proof of 10,000 hashes in JSON',
    () =>
      logEntryFromJson({ inclusionProof: { hashes: Array.from({ length: 10_000 }, () => '') } }),
  ],
  [
    'a proof of 10,000 hashes to follow',
    () =>
      rootFromInclusionProof({
        leafHash: new Uint8Array(32),
        leafIndex: 0n,
        treeSize: 1n,
        hashes: Array.from({ length: 10_000 }, () => new Uint8Array(32)),
      }),
  ],
  ['an entry of 1 MiB of nothing', () => decodeLogEntry(new Uint8Array(MIB))],
  ['an entry of a million empty fields', () => decodeLogEntry(Buffer.alloc(MIB, '2200', 'hex'))],
  ['a token nested 20,000 deep', () => parseTimestampToken(nested(20_000))],
  ['a response of 1 MiB', () => parseTimestampResponse(Buffer.alloc(MIB, 0x30))],
  ['a bundle nested 20,000 deep', () => parseBundle('{"a":'.repeat(20_000))],
  ['a bundle of 32 MiB', () => parseBundle('['.repeat(32 * MIB))],
  ['an entry bundle of a million empty entries', () => parseEntryBundle(new Uint8Array(MIB))],
]

describe('hostile sizes', () => {
  it.each(HOSTILE)('%s is refused with a code, in 50 ms', (_, read) => {
    const started = performance.now()
    try {
      read()
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof SignetError)) throw error
      expect(error.code).toMatch(/_MALFORMED$/)
    }
    let fastest = performance.now() - started
    // A shared machine is slow now and then: the best of a few counts.
    for (let attempt = 0; attempt < 3 && fastest > 50; attempt += 1) {
      const again = performance.now()
      try {
        read()
      } catch {
        fastest = Math.min(fastest, performance.now() - again)
      }
    }
    expect(fastest).toBeLessThan(50)
  })

  it('a tile path of a million characters is none', () => {
    expect(parseTilePath(`tile/0/${'x000/'.repeat(200_000)}000`)).toBeUndefined()
  })
})
