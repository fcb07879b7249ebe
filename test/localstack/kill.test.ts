import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BACKGROUND_VARIABLE } from '../../src/localstack/stack-process.ts'
import { leafHash, verifyConsistency } from '../../src/tlog/merkle.ts'
import { entryBundlePath, parseEntryBundle } from '../../src/tlog/tile.ts'
import { MerkleTree } from '../../src/tlog/tree.ts'
import { entryV1, entryV2, newSigner, post, readEntryV1 } from './client.ts'
import type { Signer } from './client.ts'

const program = fileURLToPath(new URL('../../bin/git-signet.cjs', import.meta.url))
const ROUNDS = 6
const CLIENTS = 4

interface Seen {
  readonly size: number
  readonly root: Buffer
}

interface Acknowledged {
  readonly v1: { id: string; index: number }[]
  readonly v2: { body: string; index: number }[]
  readonly heads: { v1: Seen[]; v2: Seen[] }
}

let folder: string
let directory: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signet-kill-'))
  directory = join(folder, 'stack')
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the stack's process and waits until it answers. */
async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    [program, 'stack', 'up', '--test', '--port', '0', '--dir', directory],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [BACKGROUND_VARIABLE]: '1' },
    },
  )
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /up at (\S+)/.exec((said += chunk.toString()))?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => {
      reject(new Error(`the stack ended: ${said}`))
    })
  })
  return { child, url }
}

function readCheckpoint(note: string): Seen {
  const [, size = '', root = ''] = note.split('\n')
  return { size: Number(size), root: Buffer.from(root, 'base64') }
}

/** Logs as fast as it can until the connection breaks; keeps everything that was answered. */
async function load(url: string, signer: Signer, name: string, kept: Acknowledged): Promise<void> {
  try {
    for (let count = 0; ; count += 1) {
      const v1 = await post(`${url}/api/v1/log/entries`, entryV1(signer, `${name} ${count}`))
      const { id, logIndex, verification } = await readEntryV1(v1)
      kept.v1.push({ id, index: logIndex })
      kept.heads.v1.push(readCheckpoint(verification.inclusionProof.checkpoint))
      const v2 = await post(`${url}/api/v2/log/entries`, entryV2(signer, `${name} ${count}`))
      const answer = (await v2.json()) as {
        logIndex: string
        canonicalizedBody: string
        inclusionProof: { checkpoint: { envelope: string } }
      }
      kept.v2.push({ body: answer.canonicalizedBody, index: Number(answer.logIndex) })
      kept.heads.v2.push(readCheckpoint(answer.inclusionProof.checkpoint.envelope))
    }
  } catch (error) {
    // The connection was cut: that is how each round ends.
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error
  }
}

test(
  'kill -9 under load shrinks no tree, loses no answered entry, breaks no checkpoint',
  { timeout: 120_000 },
  async () => {
    const kept: Acknowledged = { v1: [], v2: [], heads: { v1: [], v2: [] } }
    for (let round = 0; round < ROUNDS; round += 1) {
      const { child, url } = await start()
      const signer = await newSigner({ url, token: (email) => testToken(url, email) })
      const clients = Array.from({ length: CLIENTS }, (_, client) =>
        load(url, signer, `${round} ${client}`, kept),
      )
      const before = kept.v1.length
      // At a different point of the batch each time.
      await waitFor(() => kept.v1.length > before + 10 + 7 * round)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
      await Promise.all(clients)
    }

    const { child, url } = await start()
    const now = {
      v1: readCheckpoint(
        ((await (await fetch(`${url}/api/v1/log`)).json()) as { signedTreeHead: string })
          .signedTreeHead,
      ),
      v2: readCheckpoint(await (await fetch(`${url}/api/v2/checkpoint`)).text()),
    }
    expect(kept.v1.length).toBeGreaterThan(50)
    for (const { id, index } of kept.v1) {
      const entry = await readEntryV1(await fetch(`${url}/api/v1/log/entries/${id}`))
      expect(entry.logIndex).toBe(index)
    }
    for (const seen of distinct(kept.heads.v1)) {
      const proof = (await (
        await fetch(`${url}/api/v1/log/proof?firstSize=${seen.size}&lastSize=${now.v1.size}`)
      ).json()) as { hashes: string[] }
      expect(
        isConsistent(
          seen,
          now.v1,
          proof.hashes.map((hash) => Buffer.from(hash, 'hex')),
        ),
      ).toBe(true)
    }
    const leaves = await readLeaves(url, now.v2.size)
    for (const { index, body } of kept.v2) {
      expect(leaves[index]?.equals(Buffer.from(body, 'base64'))).toBe(true)
    }
    const tree = new MerkleTree()
    for (const leaf of leaves) tree.append(leafHash(leaf))
    for (const seen of distinct([...kept.heads.v2, now.v2])) {
      expect(seen.root.equals(tree.root(seen.size))).toBe(true)
    }
    expect(now.v2.size).toBeGreaterThanOrEqual(Math.max(...kept.heads.v2.map(({ size }) => size)))
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
    // The tree on disk still carries the last signed checkpoint of each log.
    for (const name of ['ct', 'rekor-v1', 'rekor-v2']) {
      expect(readFileSync(join(directory, 'logs', `${name}.checkpoint`), 'utf8')).toMatch(
        /^localhost/,
      )
    }
  },
)

function distinct(heads: readonly Seen[]): Seen[] {
  return [...new Map(heads.map((head) => [head.size, head])).values()]
}

function isConsistent(first: Seen, second: Seen, hashes: readonly Uint8Array[]): boolean {
  return verifyConsistency({
    firstSize: BigInt(first.size),
    firstRoot: first.root,
    secondSize: BigInt(second.size),
    secondRoot: second.root,
    hashes,
  })
}

/** Every entry of the Rekor v2 log, from its bundles. */
async function readLeaves(url: string, size: number): Promise<Buffer[]> {
  const leaves: Buffer[] = []
  while (leaves.length < size) {
    const path = entryBundlePath(leaves.length / 256, Math.min(256, size - leaves.length))
    const response = await fetch(`${url}/api/v2/${path}`)
    expect(response.status).toBe(200)
    const bundle = parseEntryBundle(new Uint8Array(await response.arrayBuffer()))
    leaves.push(...bundle.map((leaf) => Buffer.from(leaf)))
  }
  return leaves
}

async function testToken(url: string, email: string): Promise<string> {
  return (await fetch(`${url}/test-token?email=${encodeURIComponent(email)}`)).text()
}

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
