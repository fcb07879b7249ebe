import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sharedPath } from '../shared.ts'

const list = sharedPath('design/attacks.md')

/** Numbers that attacks.md calls hook items, `55-60` written out. */
function hookItems(text: string): number[] {
  const [, items = ''] = /hook items: ([0-9, -]+);/.exec(text) ?? []
  return items.split(', ').flatMap((item) => {
    const [from = 0, to = from] = item.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

test.skipIf(list === undefined)(
  'every hook attack of attacks.md has a test with real pushes that bears its number',
  () => {
    const items = hookItems(readFileSync(list ?? '', 'utf8'))
    expect(items.length).toBeGreaterThanOrEqual(14)
    const folder = new URL('.', import.meta.url)
    const text = readdirSync(folder)
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n')
    const named = new Set(
      [...text.matchAll(/['"`]attacks? ([0-9, ]+):/g)].flatMap(([, numbers = '']) =>
        numbers.split(',').map(Number),
      ),
    )
    expect(items.filter((item) => !named.has(item))).toEqual([])
  },
)
