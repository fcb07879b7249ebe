/**
 * Sizes chosen to cost time or memory (attacks 35, 56). Each is refused with a code, without a crash,
 * within 50 ms over what reading and hashing its bytes costs: the quickest of several tries counts, as
 * the machine may be busy.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/oid.ts'
import { der, derOctetString, derOid, derSequence } from '../../src/asn1/write.ts'
import { runSync } from '../../src/crypto/verify.ts'
import type { Facts, ReasonCode } from '../../src/facts.ts'
import { ObjectReader } from '../../src/git/objects.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { makeLeaf, rfc822 } from '../forge/leaf.ts'
import { PAYLOAD, TREE, armor, attribute, commitWith, makeCms, objectId } from '../forge/object.ts'
import type { SignatureOptions } from '../forge/object.ts'
import { bytes, extension, sha256, trustedRootJson } from '../forge/world.ts'
import { world } from './forgeries/forgery.ts'

const roots = [parseTrustedRoot(trustedRootJson(world), 'forge')]

function verify(content: Uint8Array): Facts {
  const id = objectId('commit', content)
  return runSync(
    verifyObject({ id, type: 'commit', format: 'sha1', bytes: content, idMatches: true }, roots),
  )
}

function quickest(run: () => unknown): number {
  let best = Infinity
  for (let i = 0; i < 5; i += 1) {
    const start = performance.now()
    run()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

function expectRefused(content: Uint8Array, codes: readonly ReasonCode[]): void {
  const facts = verify(content)
  expect(facts.outcome).not.toBe('proven')
  expect(codes).toContain(facts.codes[0])
  for (const { detail } of facts.checks) expect((detail ?? '').length).toBeLessThan(1000)
  const reading = quickest(() => [objectId('commit', content), sha256(content), sha256(content)])
  expect(quickest(() => verify(content))).toBeLessThan(50 + reading)
}

/** Nested elements, innermost empty; `indefinite` as BER has it. */
function nested(depth: number, indefinite: boolean): Uint8Array {
  if (indefinite) {
    return Buffer.concat([
      Buffer.alloc(depth * 2, Uint8Array.of(0x30, 0x80)),
      Buffer.alloc(depth * 2),
    ])
  }
  const headers: Uint8Array[] = []
  let length = 0
  for (let i = 0; i < depth; i += 1) {
    const header = der(0x30, new Uint8Array(length)).subarray(
      0,
      length < 128 ? 2 : length < 256 ? 3 : length < 65_536 ? 4 : 5,
    )
    headers.push(header)
    length += header.length
  }
  return Buffer.concat(headers.reverse())
}

const huge: Record<string, SignatureOptions> = {
  'an OID of 254 KB': {
    digestAlgorithms: [derSequence(der(0x06, new Uint8Array(254_000).fill(0x81)))],
  },
  'an OID of 254 KB in the certificate': {
    leafOptions: {
      extra: [
        derSequence(der(0x06, new Uint8Array(254_000).fill(1)), derOctetString(new Uint8Array())),
      ],
    },
  },
  'nesting 20,000 deep': { unsignedAttrs: () => [attribute('1.2.3', nested(20_000, false))] },
  'nesting 20,000 deep, indefinite': { edit: () => nested(20_000, true) },
  'nesting 200,000 deep, indefinite': { edit: () => nested(200_000, true) },
  'a length of 2^63': {
    edit: (cms) => Buffer.concat([Buffer.from('30888000000000000000', 'hex'), cms]),
  },
  'a length of 2^32 - 1': {
    edit: (cms) => Buffer.concat([Buffer.from('3084ffffffff', 'hex'), cms]),
  },
  'a signature of 700 KB': { signature: () => new Uint8Array(700_000).fill(0x30) },
  '10,000 certificates': {
    certificates: (leaf) => [leaf, ...Array<Uint8Array>(10_000).fill(derSequence(derOid('1.2.3')))],
  },
  '10,000 signers': { signers: (one) => Array<Uint8Array>(700).fill(one) },
  '10,000 signed attributes': {
    signedAttrs: (all) => [
      ...all,
      ...Array<Uint8Array>(10_000).fill(attribute('1.2.3', derOid('1.2.3'))),
    ],
  },
  '10,000 unsigned attributes': {
    unsignedAttrs: () => Array<Uint8Array>(10_000).fill(attribute('1.2.3', derOid('1.2.3'))),
  },
  '10,000 values of an attribute': {
    unsignedAttrs: () => [attribute('1.2.3', ...Array<Uint8Array>(10_000).fill(derOid('1.2.3')))],
  },
  '10,000 digest algorithms': {
    digestAlgorithms: Array.from({ length: 10_000 }, (_, i) =>
      derSequence(derOid(`1.2.${String(i)}`)),
    ),
  },
  '10,000 names': { leafOptions: { san: Array<Uint8Array>(10_000).fill(rfc822('a@b')) } },
  '10,000 extensions': {
    leafOptions: {
      extra: Array.from({ length: 10_000 }, (_, i) =>
        extension(`1.2.3.${String(i)}`, new Uint8Array()),
      ),
    },
  },
  '10,000 SCTs': {
    leafOptions: {
      sct: {
        edit: (list) =>
          Buffer.concat([Uint8Array.of(0xff, 0xff), Buffer.alloc(0xffff)]).fill(
            list.subarray(2, 4),
            2,
          ),
      },
    },
  },
  'a proof of 10,000 hashes': {
    log: { hashes: () => Array<Uint8Array>(10_000).fill(sha256(bytes('x'))) },
  },
  'a checkpoint of 640 KB': {
    log: { checkpoint: (note) => note + '\u2014 x AAAAAAAA\n'.repeat(40_000) },
  },
  'a checkpoint that is one line of 640 KB': { log: { checkpoint: () => 'x'.repeat(640_000) } },
  'a checkpoint of newlines': { log: { checkpoint: () => '\n'.repeat(640_000) } },
  'an entry of 300,000 fields': {
    unsignedAttrs: () => [
      attribute(OID.rekorEntry, derOctetString(Buffer.alloc(600_000, Uint8Array.of(8, 1)))),
    ],
  },
  'an address of 500 KB': { leafOptions: { san: [rfc822(`${'a'.repeat(500_000)}@b`)] } },
  'a serial number of 500 KB': {
    leaf: makeLeaf(world, { serial: new Uint8Array(500_000).fill(1) }),
  },
}

describe('of hostile size in the signature:', () => {
  it.each(Object.entries(huge))('%s', (_, options) => {
    expectRefused(commitWith(armor(makeCms(world, PAYLOAD, options))), [
      'MALFORMED',
      'LIMIT',
      'BAD_SIGNATURE',
      'UNTRUSTED_CERTIFICATE',
      'CERTIFICATE_INVALID',
      'SCT_INVALID',
      'LOG_ENTRY_INVALID',
      'NOT_LOGGED',
    ])
  })

  it('a signature of more than 1 MiB is LIMIT', () => {
    const cms = makeCms(world, PAYLOAD, { signature: () => new Uint8Array(1 << 20) })
    expectRefused(commitWith(armor(cms)), ['LIMIT'])
  })

  it('armor lines without end', () => {
    expectRefused(commitWith(`-----BEGIN SIGNED MESSAGE-----\n${'A\n'.repeat(400_000)}`), [
      'MALFORMED',
    ])
    expectRefused(commitWith(`-----BEGIN SIGNED MESSAGE-----\n${'-----BEGIN '.repeat(60_000)}`), [
      'MALFORMED',
    ])
  })
})

const header = `tree ${TREE}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n`
const repeated = (text: string, size: number): Buffer => Buffer.alloc(size, text)

const MIB = 1 << 20
const wide: Record<string, () => Uint8Array> = {
  'a header line of 30 MiB': () =>
    Buffer.concat([bytes(header), bytes('x '), repeated('y', 30 * MIB), bytes('\n\n')]),
  'a million unknown headers': () =>
    Buffer.concat([bytes(header), repeated('x y\n', 4 * MIB), bytes('\n')]),
  'a million empty continuation lines': () =>
    Buffer.concat([bytes(header), bytes('x y\n'), repeated(' \n', 2 * MIB), bytes('\n')]),
  'a million signature headers': () =>
    Buffer.concat([bytes(header), repeated('gpgsig x\n', 9 * MIB), bytes('\n')]),
  'a million parents': () =>
    Buffer.concat([
      bytes(`tree ${TREE}\n`),
      repeated(`parent ${TREE}\n`, 48 * 300_000),
      bytes(header.slice(46)),
    ]),
  'a million NUL': () => Buffer.concat([bytes(header), repeated('\0', MIB)]),
  'no line break in 30 MiB': () => repeated('tree', 30 * MIB),
}

describe('of hostile size in the object:', () => {
  it.each(Object.entries(wide))('%s', (_, make) => {
    expectRefused(make(), ['MALFORMED', 'UNSIGNED', 'LIMIT'])
  })

  it('an object over 32 MiB is LIMIT and not hashed', () => {
    const content = Buffer.alloc(33 * MIB)
    const run = (): Facts =>
      runSync(
        verifyObject({ id: '0'.repeat(40), type: 'tag', format: 'sha1', bytes: content }, roots),
      )
    expect(run()).toMatchObject({ outcome: 'incomplete', codes: ['LIMIT'] })
    expect(quickest(run)).toBeLessThan(5)
  })

  it('a tag of 100 MB in a repository is passed over in bounded memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signet-huge-'))
    const git = (args: string[], input?: Uint8Array): string =>
      execFileSync('git', args, { cwd: folder, input, encoding: 'utf8', maxBuffer: 1 << 28 }).trim()
    git(['init', '-q'])
    const id = git(
      ['hash-object', '-w', '-t', 'tag', '--literally', '--stdin'],
      Buffer.alloc(100_000_000, 'x'),
    )
    const reader = new ObjectReader({ cwd: folder, env: process.env })
    try {
      const before = process.memoryUsage()
      expect(await reader.read(id)).toMatchObject({ kind: 'too-large', id, size: 100_000_000 })
      const after = process.memoryUsage()
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * MIB)
      expect(await reader.read('HEAD')).toMatchObject({ kind: 'missing' })
    } finally {
      await reader.close()
      rmSync(folder, { recursive: true })
    }
  })
})
