import { describe, expect, it } from 'vitest'
import { renderFailure } from '../../src/cli/hook/told.ts'

describe('renderFailure()', () => {
  it.each([
    ['/srv/git/policy.toml:3: people.alice.trust: "local" is', 'policy.toml:3: people.alice'],
    ['cannot read the policy /srv/git/policy.toml: there is', 'the policy policy.toml: there is'],
    ['cannot read "/home/git/a b/root.json"', 'cannot read "'],
    ['no answer from http://localhost:1/api/v1: refused', 'from http://localhost:1/api/v1: '],
    ['there is no refs/heads/main here', 'there is no refs/heads/main here'],
  ])('names files but not their folders on the server: %s', (message, expected) => {
    const text = renderFailure({ message }, false)
    expect(text.replaceAll('\n', ' ')).toContain(expected)
    expect(text).not.toMatch(/\/(?:srv|home)\//)
  })
})
