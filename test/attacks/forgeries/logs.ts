import { derOctetString, derSet, derUtf8String } from '../../../src/asn1/write.ts'
import { OID } from '../../../src/asn1/oid.ts'
import { bytesField, varintField } from '../../../src/encoding/protobuf.ts'
import { makeLeaf } from '../../forge/leaf.ts'
import { makeEntry } from '../../forge/log.ts'
import { attribute } from '../../forge/object.ts'
import type { SignatureOptions } from '../../forge/object.ts'
import { T0, bytes, sha256 } from '../../forge/world.ts'
import { world, rows, bad, other } from './forgery.ts'
export const logs = rows(bad, [
  [
    'the entry of another signature',
    { log: { body: bytes('{}') } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  ['another kind', { log: { kind: 'dsse' } }, 'LOG_ENTRY_INVALID', 'log-entry'],
  ['another version', { log: { kindVersion: '0.0.3' } }, 'LOG_ENTRY_INVALID', 'log-entry'],
  [
    'a v1 entry that says 0.0.2',
    { log: { kindVersion: '0.0.2' } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  ['an unknown log', { log: { logId: sha256(bytes('x')) } }, 'LOG_ENTRY_INVALID', 'log-entry'],
  ['a log key nobody trusts', { log: { key: other } }, 'LOG_ENTRY_INVALID', 'log-entry'],
  ['a proof for the next place', { log: { proofIndex: 6n } }, 'LOG_ENTRY_INVALID', 'log-inclusion'],
  ['a place past the tree', { log: { proofIndex: 99n } }, 'LOG_ENTRY_INVALID', 'log-inclusion'],
  [
    'a hash too few',
    { log: { hashes: (all) => all.slice(1) } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  [
    'a hash too many',
    { log: { hashes: (all) => [...all, sha256(bytes('x'))] } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  [
    'hashes swapped',
    { log: { hashes: (all) => all.toReversed() } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  [
    'a hash of 31 bytes',
    { log: { hashes: (all) => all.with(0, sha256(bytes('')).subarray(1)) } },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    '10,000 hashes',
    { log: { hashes: () => Array<Uint8Array>(10_000).fill(sha256(bytes('x'))) } },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    'a root that is not the tree’s',
    { log: { rootHash: sha256(bytes('x')) } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  ['a size of 2^63', { log: { treeSize: 2n ** 63n } }, 'LOG_ENTRY_INVALID', 'log-entry'],
  ['an index of 2^64 - 1', { log: { logIndex: 2n ** 64n - 1n } }, 'LOG_ENTRY_INVALID', 'log-entry'],
  [
    'a checkpoint of another key',
    { log: { checkpointKey: other } },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  [
    'a checkpoint of another key under our key’s hint',
    { log: { checkpointKey: other, keyHint: sha256(world.rekor.spki).subarray(0, 4) } },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  [
    'a checkpoint of a tree of another size',
    { log: { checkpointText: (text) => text.replace('\n9\n', '\n10\n') } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  [
    'a size with a leading zero',
    { log: { checkpointText: (text) => text.replace('\n9\n', '\n09\n') } },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  [
    'a checkpoint without an origin',
    { log: { checkpointText: (text) => text.replace(/^.*\n/, '\n') } },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  [
    'a checkpoint changed after it was signed',
    { log: { checkpoint: (note) => note.replace('\n9\n', '\n10\n') } },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  [
    'a checkpoint of 640 KiB, most of it added later',
    {
      log: {
        checkpoint: (note) => note.replace('\n\n', `\n${`${'x'.repeat(63)}\n`.repeat(10 << 10)}\n`),
      },
    },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  [
    'a checkpoint that is empty',
    { log: { checkpoint: () => '' } },
    'LOG_ENTRY_INVALID',
    'log-checkpoint',
  ],
  ['a promise of another key', { log: { promiseKey: other } }, 'LOG_ENTRY_INVALID', 'log-promise'],
  [
    'a promise for another time',
    { log: { promiseFields: { integratedTime: T0 + 6 } } },
    'LOG_ENTRY_INVALID',
    'log-promise',
  ],
  [
    'a promise for another index',
    { log: { promiseFields: { logIndex: 5 } } },
    'LOG_ENTRY_INVALID',
    'log-promise',
  ],
  [
    'a promise for another log',
    { log: { promiseFields: { logID: '00' } } },
    'LOG_ENTRY_INVALID',
    'log-promise',
  ],
  [
    'a v2 entry with a time and a promise',
    {
      token: {},
      log: {
        version: 'v2',
        fields: (all) => [
          ...all.values(),
          varintField(4, BigInt(T0)),
          bytesField(5, bytesField(1, bytes('x'))),
        ],
      },
    },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    'no proof',
    { log: { fields: (all) => [1, 2, 3, 4, 5].map((n) => all.get(n) ?? new Uint8Array()) } },
    'LOG_ENTRY_INVALID',
    'log-inclusion',
  ],
  [
    'a field twice',
    { log: { fields: (all) => [...all.values(), all.get(4) ?? new Uint8Array()] } },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    'an unknown field',
    { log: { fields: (all) => [...all.values(), varintField(9, 1n)] } },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    'a body that is another entry’s',
    { log: { fields: (all) => [...all.values(), bytesField(7, '{}')] } },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  ['two entries', { unsignedAttrs: (all) => [...all, ...all] }, 'LOG_ENTRY_INVALID', 'log-entry'],
  [
    'two values',
    {
      unsignedAttrs: () => [
        attribute(OID.rekorEntry, derOctetString(bytes('')), derOctetString(bytes('x'))),
      ],
    },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    'an entry that is no protobuf',
    { unsignedAttrs: () => [attribute(OID.rekorEntry, derOctetString(bytes('{}')))] },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
  [
    'an entry that is no OCTET STRING',
    { unsignedAttrs: () => [attribute(OID.rekorEntry, derUtf8String('x'))] },
    'LOG_ENTRY_INVALID',
    'log-entry',
  ],
])

/** A log entry of one signature pasted into another by the same certificate. */
export function swappedEntry(): SignatureOptions {
  const leaf = makeLeaf(world)
  const signature = {
    signedAttrs: derSet(bytes('0')),
    signature: bytes('x'),
    certificate: leaf.certificate,
  }
  return {
    leaf,
    unsignedAttrs: () => [attribute(OID.rekorEntry, derOctetString(makeEntry(world, signature)))],
  }
}
