import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runAsync } from '../../src/crypto/verify.ts'
import type { Facts } from '../../src/facts.ts'
import { BatchParser } from '../../src/git/batch-parser.ts'
import type { BatchAnswer } from '../../src/git/batch-parser.ts'
import { checked } from '../../src/git/objects.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { LeafCache } from '../../src/verification/leaf-cache.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { isoTime } from '../../src/encoding/time.ts'
import { readShared, readSharedLines, sharedPath } from '../shared.ts'
import { describeShared, found, recordCount } from './truth.ts'

interface Truth {
  oid: string
  type: 'commit' | 'tag'
  signature: 'x509' | 'pgp' | 'ssh' | 'unsigned'
  verdict?: 'offline-full' | 'online-only'
  san?: string[]
  issuer?: string
  integratedTime?: number | null
}

const archives = sharedPath('corpus/histories')
const NAMES = (archives === undefined ? [] : readdirSync(archives)).flatMap(
  (file) => /^(.+)\.git\.tar\.gz$/.exec(file)?.[1] ?? [],
)
const SIGNATURE = { x509: 'x509', pgp: 'openpgp', ssh: 'ssh', unsigned: 'none' } as const

function expectation({ signature, verdict }: Truth): string {
  if (signature === 'unsigned') return 'unsigned UNSIGNED'
  if (signature === 'ssh') return 'proven '
  if (signature !== 'x509') return 'incomplete UNSUPPORTED'
  return verdict === 'offline-full' ? 'proven ' : 'incomplete NOT_LOGGED'
}

describeShared('real histories', () => {
  let folder = ''
  let total = 0
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'git-signet-histories-'))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true })
    recordCount('corpus-histories', total)
  })

  it.each(NAMES)('%s: every commit and tag gets its ground truth', async (name) => {
    const archive = found(sharedPath(`corpus/histories/${name}.git.tar.gz`), name)
    execFileSync('tar', ['-xzf', archive, '-C', folder])
    const truth = readSharedLines<Truth>(`corpus/histories/${name}.truth.jsonl`)
    const stream = execFileSync(
      'git',
      ['--git-dir', join(folder, `${name}.git`), 'cat-file', '--batch'],
      {
        input: truth.map(({ oid }) => `${oid}\n`).join(''),
        maxBuffer: 1 << 28,
      },
    )
    const answers: BatchAnswer[] = []
    new BatchParser(1 << 25, (answer) => answers.push(answer)).push(stream)
    const roots = [parseTrustedRoot(readShared('corpus/trusted_root.json').toString(), 'public')]
    const leaves = new LeafCache()

    const facts = await Promise.all(
      answers.map((answer): Promise<Facts> => {
        const object = checked(answer)
        if (object.kind !== 'object' || (object.type !== 'commit' && object.type !== 'tag')) {
          throw new Error('not a commit or tag')
        }
        return runAsync(verifyObject({ ...object, type: object.type }, roots, { leaves }))
      }),
    )
    expect(facts.length).toBe(truth.length)
    total += truth.length
    for (const [i, expected] of truth.entries()) {
      const { object, signature, outcome, codes, certificate, signer, times } = found(
        facts[i],
        name,
      )
      expect([object.id, object.type]).toEqual([expected.oid, expected.type])
      expect(signature, expected.oid).toBe(SIGNATURE[expected.signature])
      expect(`${outcome} ${codes.join()}`, expected.oid).toBe(expectation(expected))
      if (expected.signature !== 'x509') continue
      expect(certificate?.san, expected.oid).toEqual(expected.san)
      expect(signer?.issuer, expected.oid).toBe(expected.issuer)
      const at = expected.integratedTime
      expect(times.map((time) => time.at)).toEqual(
        typeof at === 'number' ? [isoTime(1000 * at)] : [],
      )
    }
  })
})
