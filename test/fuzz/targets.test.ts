import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { seedsOf } from './seeds.ts'
import { TARGETS } from './targets.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/fuzz', import.meta.url))

function casesOf(target: string): string[] {
  const folder = join(fixtures, target)
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

describe.each(Object.keys(TARGETS))('fuzz target %s', (name) => {
  const target = TARGETS[name]

  it('holds for everything that fuzzing ever found (fixtures/fuzz)', () => {
    for (const path of casesOf(name)) {
      expect(() => {
        target?.(readFileSync(path))
      }).not.toThrow()
    }
  })

  it('holds for its seeds, cut at every sixteenth and with each of those bytes changed', () => {
    for (const seed of seedsOf(name).slice(0, 4)) {
      const step = Math.max(1, Math.floor(seed.length / 16))
      for (let at = 0; at <= seed.length; at += step) {
        const changed = Uint8Array.from(seed)
        changed[at] = (changed[at] ?? 0) ^ 0x80
        for (const input of [seed, seed.subarray(0, at), changed]) {
          expect(() => {
            target?.(input)
          }).not.toThrow()
        }
      }
    }
  })
})

it('fixtures/fuzz has no case of a target that is gone', () => {
  const names = readdirSync(fixtures).filter((name) => name !== 'README.md')
  expect(names.filter((name) => !Object.hasOwn(TARGETS, name))).toEqual([])
})
