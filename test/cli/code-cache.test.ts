import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// @ts-expect-error: a plain script
import * as buildIfStale from '../../scripts/build-if-stale.mjs'

const { isCodeCacheTaken } = buildIfStale as { isCodeCacheTaken: (folder: string) => boolean }

const root = fileURLToPath(new URL('../..', import.meta.url))
let home: string

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'git-signet-'))
  mkdirSync(join(home, 'dist'))
  cpSync(join(root, 'bin'), join(home, 'bin'), { recursive: true })
  for (const name of ['gpg.cjs', 'gpg.cjs.cache', 'public-good.json']) {
    cpSync(join(root, 'dist', name), join(home, 'dist', name))
  }
  writeFileSync(join(home, 'signature'), 'no signature\n')
})
afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

function verify(): { status: number | null; stdout: string; stderr: string } {
  const program = join(home, 'bin', 'git-signet.cjs')
  const args = [program, '--status-fd=1', '--verify', join(home, 'signature'), '-']
  const options = { cwd: home, input: 'payload\n', encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
  return { status, stdout, stderr }
}

describe('the code cache beside git’s entry', () => {
  it('is one that V8 takes', () => {
    const text = readFileSync(join(home, 'dist', 'gpg.cjs'), 'latin1')
    const cache = readFileSync(join(home, 'dist', 'gpg.cjs.cache'))
    const source = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`
    const cachedData = cache.subarray(0, -64)
    const script = new Script(source.padEnd(1 << 17), { cachedData })
    expect(cache.subarray(-64).toString()).toBe(text.slice(-64))
    expect(script.cachedDataRejected).toBe(false)
  })

  it.each([
    ['is there', (cache: Buffer) => cache],
    ['is cut off', (cache: Buffer) => cache.subarray(0, cache.length >> 1)],
    ['is empty', () => Buffer.alloc(0)],
    [
      'was made by another version of V8',
      (cache: Buffer) => Buffer.from(cache).fill(cache.readUInt8(4) ^ 0xff, 4, 5),
    ],
    [
      'was made from another text',
      (cache: Buffer) => Buffer.concat([cache.subarray(0, -64), Buffer.alloc(64, '0')]),
    ],
  ])('changes no answer when it %s', (_title, change) => {
    const file = join(home, 'dist', 'gpg.cjs.cache')
    const cache = readFileSync(join(root, 'dist', 'gpg.cjs.cache'))
    rmSync(file)
    const without = verify()
    expect(without.stdout).toContain('[GNUPG:] ')
    writeFileSync(file, change(cache))
    expect(verify()).toEqual(without)
    writeFileSync(file, cache)
  })

  it('is built anew when it was made by another version of V8, or is gone', () => {
    const dist = join(home, 'dist')
    const file = join(dist, 'gpg.cjs.cache')
    const cache = readFileSync(file)
    expect(isCodeCacheTaken(dist)).toBe(true)
    writeFileSync(file, Buffer.from(cache).fill(cache.readUInt8(4) ^ 0xff, 4, 5))
    expect(isCodeCacheTaken(dist)).toBe(false)
    rmSync(file)
    expect(isCodeCacheTaken(dist)).toBe(false)
    writeFileSync(file, cache)
  })
})
