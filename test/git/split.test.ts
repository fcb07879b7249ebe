import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ObjectFormat } from '../../src/facts.ts'
import { objectFindings, type FormFinding } from '../../src/git/object-form.ts'
import { splitObject, type SplitObject } from '../../src/git/split.ts'
import { readShared, readTarGz, sharedFolder } from '../shared.ts'
import { generateCommit, generateTag, Random } from './generate-objects.ts'
import { RecordingRepository, type Recorded } from './recorder.ts'

const seed = Number(process.env['SIGNET_SEED'] ?? 20260101)

/** Why we refuse objects for which git still runs its signature program. */
const stricter: Readonly<Record<FormFinding['rule'], string>> = {
  'header-order':
    'readers that look a header up by name and readers that count lines see two objects',
  'header-count':
    'of two headers one reader takes the first, another the last; git joins signatures',
  'header-value': 'an id in another spelling names the same object under another name',
  'header-syntax':
    'CR, NUL and lines that are no header are skipped by some readers and kept by others',
  'signature-header': 'git drops any gpgsig* header unread, so it could be changed without a trace',
  'signature-place':
    'without a blank line the armor is header to one reader and signature to another',
}

interface Case {
  readonly bytes: Buffer
  readonly split: SplitObject
  readonly findings: readonly FormFinding[]
}

function caseOf(type: 'commit' | 'tag', bytes: Buffer, format: ObjectFormat): Case {
  const split = splitObject(type, bytes, format)
  return { bytes, split, findings: objectFindings(split) }
}

function key(payload: Uint8Array, signature: Uint8Array): string {
  return `${Buffer.from(payload).toString('latin1')}\u0100${Buffer.from(signature).toString('latin1')}`
}

/** git runs the program for kinds it knows; ssh has its own calls and is compared nowhere. */
function comparable({ split }: Case): boolean {
  return split.signatureKind === 'x509' || split.signatureKind === 'openpgp'
}

/** Compares what git handed over with our payload and signature; returns how often we are stricter. */
function compare(cases: readonly Case[], recorded: readonly Recorded[]): Map<string, number> {
  const ours = new Map(
    cases
      .filter(comparable)
      .map((one) => [key(one.split.payload, one.split.signature ?? empty), one]),
  )
  const refused = new Map<string, number>()
  for (const { payload, signature } of recorded) {
    const one = ours.get(key(payload, signature))
    expect(one, `git handed over what we do not: ${payload.toString('latin1')}`).toBeDefined()
    if (one === undefined) continue
    ours.delete(key(payload, signature))
    for (const rule of new Set(one.findings.map((finding) => finding.rule))) {
      refused.set(rule, (refused.get(rule) ?? 0) + 1)
    }
  }
  for (const [text, one] of ours) {
    // git gave up on the object before it ran the program: then we must refuse it too.
    expect(one.findings, `only we go on with: ${text}`).not.toEqual([])
  }
  return refused
}

const empty = new Uint8Array()

describe.each(['sha1', 'sha256'] as const)('splitObject() in %s repositories', (format) => {
  let repository: RecordingRepository
  beforeAll(() => {
    repository = new RecordingRepository(format)
  })
  afterAll(() => {
    repository.remove()
  })

  test.each(['commit', 'tag'] as const)(
    'gives git’s payload and signature of generated %ss, or refuses them and says why',
    (type) => {
      const random = new Random(seed + (type === 'tag' ? 1 : 0) + (format === 'sha256' ? 2 : 0))
      const generate = type === 'commit' ? generateCommit : generateTag
      const cases = Array.from({ length: 1500 }, (_, index) =>
        caseOf(type, generate(random, format, `token-${String(index)}`), format),
      )
      const ids = repository.store(
        type,
        cases.map(({ bytes }) => bytes),
      )
      // git dies of an armor it does not know: those by themselves, all others in one process.
      const fatal = new Set(
        ids.filter((_, index) => cases[index]?.split.signatureKind === 'unknown'),
      )
      const recorded = repository.recordTogether(
        type,
        ids.filter((id) => !fatal.has(id)),
      )
      const refused = compare(cases, recorded)
      expect(repository.record(type, [...fatal]).filter((one) => one !== undefined)).toEqual([])
      expect(recorded.length).toBeGreaterThan(900)
      const clean = cases.filter((one) => comparable(one) && one.findings.length === 0).length
      expect(clean).toBeGreaterThan(400)
      process.stdout.write(
        `seed ${String(seed)}: ${String(recorded.length)} ${type}s (${format}) as git has them; ` +
          `stricter: ${[...refused].map(([rule, count]) => `${rule} ${String(count)}`).join(', ')}\n`,
      )
      for (const rule of refused.keys()) expect(stricter).toHaveProperty(rule)
    },
    60_000,
  )

  test.skipIf(sharedFolder === undefined)(
    'gives git’s payload and signature of every real object, and refuses none (needs ../shared)',
    () => {
      for (const archive of ['corpus/dev/objects.tar.gz', 'interop/objects.tar.gz']) {
        for (const type of ['commit', 'tag'] as const) {
          const cases: Case[] = []
          for (const [path, bytes] of readTarGz(readShared(archive))) {
            const [folder, id = ''] = path.split('/')
            if (folder !== type || id.length !== (format === 'sha1' ? 40 : 64)) continue
            cases.push(caseOf(type, bytes, format))
          }
          if (cases.length === 0) continue
          const ids = repository.store(
            type,
            cases.map(({ bytes }) => bytes),
          )
          const recorded = repository.recordTogether(type, ids)
          compare(cases, recorded)
          expect(recorded.length).toBe(cases.filter(comparable).length)
          expect(cases.flatMap(({ findings }) => findings)).toEqual([])
        }
      }
    },
    60_000,
  )
})
