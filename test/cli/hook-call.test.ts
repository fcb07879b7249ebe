import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseHookCall } from '../../src/cli/hook/call.ts'

const nothing = {
  policy: undefined,
  anchor: undefined,
  'policy-branch': undefined,
  'trusted-root': [],
  audit: false,
}

describe('parseHookCall()', () => {
  test('reads what an installed hook starts', () => {
    const words = 'hook pre-receive --policy /p --anchor c --policy-branch refs/heads/x'
    const roots = '--trusted-root /r --trusted-root /s --audit --'
    expect(parseHookCall(`${words} ${roots}`.split(' '))).toEqual({
      name: 'pre-receive',
      flags: {
        policy: '/p',
        anchor: 'c',
        'policy-branch': 'refs/heads/x',
        'trusted-root': ['/r', '/s'],
        audit: true,
      },
      args: [],
    })
    expect(parseHookCall(['hook', 'update', '--', 'refs/heads/x', 'a', '--'])).toEqual({
      name: 'update',
      flags: nothing,
      args: ['refs/heads/x', 'a', '--'],
    })
  })

  test.each([
    'hook',
    'hook install pre-receive',
    'hook pre-receive',
    'hook pre-receive --help --',
    'hook pre-receive --policy --',
    'hook pre-receive --policy --audit --',
    'hook pre-receive --policy /p --policy /q --',
    'hook pre-receive --other x --',
    'hook pre-receive more --',
    'verify pre-receive --',
  ])('leaves "%s" to the parser of all commands', (line) => {
    expect(parseHookCall(line.split(' '))).toBeUndefined()
  })
})

describe('the bundle of hooks', () => {
  test('holds no report, installer or parser of commands', () => {
    const dist = fileURLToPath(new URL('../../dist/', import.meta.url))
    const text = readFileSync(`${dist}hook.cjs`, 'utf8')
    for (const word of ['git signet resign BASE', 'Refuse pushes that the policy', '<!doctype']) {
      expect(text).not.toContain(word)
    }
    expect(readFileSync(`${dist}hook-report.cjs`, 'utf8')).toContain('git signet not found? npm')
  })
})
