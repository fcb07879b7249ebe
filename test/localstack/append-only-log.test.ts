import { generateKeyPairSync } from 'node:crypto'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppendOnlyLog } from '../../src/localstack/append-only-log.ts'
import { logKey } from '../../src/localstack/log-key.ts'
import { leafHash, rootFromInclusionProof, verifyConsistency } from '../../src/tlog/merkle.ts'

const key = logKey(generateKeyPairSync('ed25519').privateKey, 'localhost', 'localhost')
const entry = (text: string) => ({ leaf: Buffer.from(text), extra: Buffer.from(`x${text}`) })

describe('AppendOnlyLog', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signet-log-'))
    file = join(folder, 'log')
  })

  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  async function filled(...texts: readonly string[]): Promise<void> {
    const log = await AppendOnlyLog.open(file, key)
    for (const text of texts) await log.append(entry(text))
    await log.close()
  }

  test('append() answers with a checkpoint that covers the entry', async () => {
    const log = await AppendOnlyLog.open(file, key)
    const appended = await Promise.all(
      Array.from({ length: 300 }, (_, index) => log.append(entry(String(index)))),
    )
    for (const [position, { index, head }] of appended.entries()) {
      expect(index).toBe(position)
      const root = rootFromInclusionProof({
        leafHash: leafHash(Buffer.from(String(position))),
        leafIndex: BigInt(index),
        treeSize: BigInt(head.treeSize),
        hashes: log.inclusionProof(index, head.treeSize),
      })
      expect(Buffer.from(root)).toEqual(Buffer.from(head.rootHash))
    }
    await log.close()
  })

  test('append() writes requests of the same moment as one batch', async () => {
    const log = await AppendOnlyLog.open(file, key)
    const appended = await Promise.all(['a', 'b', 'c'].map((text) => log.append(entry(text))))
    expect(new Set(appended.map(({ head }) => head.checkpoint)).size).toBe(1)
    await log.close()
  })

  test('append() gives the index of an entry that is there, and appends nothing', async () => {
    const log = await AppendOnlyLog.open(file, key)
    await log.append(entry('a'))
    const again = await Promise.all([
      log.append(entry('b')),
      log.append(entry('a')),
      log.append(entry('b')),
    ])
    expect(again.map(({ index, isDuplicate }) => [index, isDuplicate])).toEqual([
      [1, false],
      [0, true],
      [1, true],
    ])
    expect(log.head.treeSize).toBe(2)
    await log.close()
  })

  test('open() finds every entry again', async () => {
    await filled('a', 'b', 'c')
    const log = await AppendOnlyLog.open(file, key)
    expect(log.head.treeSize).toBe(3)
    expect(Buffer.from(log.read(1).leaf).toString()).toBe('b')
    expect(Buffer.from(log.read(1).extra).toString()).toBe('xb')
    expect(log.indexOf(Buffer.from(leafHash(Buffer.from('c'))).toString('hex'))).toBe(2)
    await log.close()
  })

  test('open() drops a batch that was cut off anywhere before its checkpoint ended', async () => {
    await filled('a', 'b')
    const before = readFileSync(file)
    await filled('c')
    const batch = readFileSync(file).subarray(before.length)
    rmSync(`${file}.checkpoint`)
    const guard = (await headOf(before)).checkpoint
    for (let cut = 0; cut < batch.length; cut += 7) {
      writeFileSync(file, Buffer.concat([before, batch.subarray(0, cut)]))
      writeFileSync(`${file}.checkpoint`, guard)
      const log = await AppendOnlyLog.open(file, key)
      expect(log.head.treeSize).toBe(2)
      await log.append(entry('d'))
      expect(Buffer.from(log.read(2).leaf).toString()).toBe('d')
      await log.close()
    }
  })

  async function headOf(bytes: Uint8Array) {
    const copy = join(folder, 'copy')
    writeFileSync(copy, bytes)
    writeFileSync(`${copy}.checkpoint`, readFirstCheckpoint(bytes))
    const log = await AppendOnlyLog.open(copy, key)
    await log.close()
    return log.head
  }

  test('a later checkpoint is consistent with every earlier one', async () => {
    const log = await AppendOnlyLog.open(file, key)
    const heads = []
    for (let size = 1; size <= 20; size += 1)
      heads.push((await log.append(entry(String(size)))).head)
    const last = log.head
    for (const head of heads) {
      expect(
        verifyConsistency({
          firstSize: BigInt(head.treeSize),
          firstRoot: head.rootHash,
          secondSize: BigInt(last.treeSize),
          secondRoot: last.rootHash,
          hashes: log.consistencyProof(head.treeSize, last.treeSize),
        }),
      ).toBe(true)
    }
    await log.close()
  })

  const refusals: [string, (path: string) => void][] = [
    [
      'has lost entries that it signed for',
      (path) => {
        truncateSync(path, 40)
      },
    ],
    [
      'is missing though a checkpoint was signed',
      (path) => {
        rmSync(path)
      },
    ],
    [
      'has a changed entry',
      (path) => {
        flip(path, 12)
      },
    ],
    [
      'has lost its last checkpoint',
      (path) => {
        rmSync(`${path}.checkpoint`)
      },
    ],
    [
      'has a checkpoint file that is not one',
      (path) => {
        writeFileSync(`${path}.checkpoint`, '')
      },
    ],
    [
      'is another log with the same key',
      (path) => {
        writeFileSync(path, readFileSync(`${path}.other`))
      },
    ],
  ]
  test.each(refusals)('open() refuses a log that %s', async (_what, damage) => {
    await filled('a', 'b')
    const other = await AppendOnlyLog.open(`${file}.other`, key)
    for (const text of ['x', 'y', 'z']) await other.append(entry(text))
    await other.close()
    damage(file)
    const size = readSize(file)
    await expect(AppendOnlyLog.open(file, key)).rejects.toMatchObject({ code: 'STACK_LOG_DAMAGED' })
    // What is left is kept for a person to look at.
    expect(readSize(file)).toBe(size)
  })

  test('open() refuses a log signed by another key', async () => {
    await filled('a')
    const stranger = logKey(generateKeyPairSync('ed25519').privateKey, 'localhost', 'localhost')
    await expect(AppendOnlyLog.open(file, stranger)).rejects.toMatchObject({
      code: 'STACK_LOG_DAMAGED',
    })
  })

  test('open() ignores whatever stands after the last batch', async () => {
    await filled('a')
    appendFileSync(file, Buffer.alloc(100_000, 7))
    const log = await AppendOnlyLog.open(file, key)
    expect(log.head.treeSize).toBe(1)
    await log.close()
  })
})

/** The note in a file of several batches that ends the first of them. */
function readFirstCheckpoint(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8')
  const [note = ''] = /localhost\n1\n[^\n]+\n\n— localhost [^\n]+\n/.exec(text) ?? []
  return note
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

function readSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
