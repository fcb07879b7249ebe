import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import type { Member, Server } from './server.ts'
import { Team } from './server.ts'

let stack: LocalStack
let team: Team

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  team = await Team.create(stack)
})

afterAll(async () => {
  team.remove()
  await stack.close()
})

/** A server that enforces the policy in the tree, which alice has pushed. */
async function governed(
  name: string,
  more = '',
): Promise<{ server: Server; alice: Member; anchor: string }> {
  const server = await team.server(name)
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice', 'bob'], more))
  await server.install('--anchor', anchor)
  const push = await alice.push('origin', 'HEAD:refs/heads/main')
  expect(push.status, push.stderr).toBe(0)
  return { server, alice, anchor }
}

describe('the policy in the tree', () => {
  test('lets signed commits through and refuses unsigned ones, saying how to mend it', async () => {
    const { server, alice } = await governed('plain')
    await alice.commit('first')
    expect((await alice.push('origin', 'HEAD:refs/heads/main')).status).toBe(0)
    const before = await server.ref('refs/heads/main')
    const bad = await alice.commit('not signed', { unsigned: true })
    const refused = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain(
      `remote: refused: commit ${bad.slice(0, 10)} to refs/heads/main: it has no signature`,
    )
    expect(refused.stderr).toContain('git signet resign')
    expect(await server.ref('refs/heads/main')).toBe(before)
    const journal = server.journal()
    expect(journal.map(({ verdict }) => verdict)).toEqual(['pass', 'pass'])
  })
})

test('a refusal names the signer that the policy does not, and the issuer', async () => {
  const { server } = await team.guarded('who')
  const mallory = await team.member('mallory', server)
  await mallory.commit('signed by a stranger')
  await mallory.commit('twice')
  const push = await mallory.push('origin', 'HEAD:refs/heads/main')
  expect(push.status).toBe(1)
  expect(push.stderr.replaceAll(/\s*\nremote: */g, ' ')).toContain(
    `why: mallory@example.org by ${team.issuer}`,
  )
})

describe('what mends the first push of all', () => {
  test('an unsigned first commit of a new branch: the refusal’s command signs it, and it goes through', async () => {
    const { server, alice } = await team.guarded('first-push')
    await alice.commit('not signed', { unsigned: true })
    await alice.commit('nor this', { unsigned: true })
    const refused = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(refused.status).toBe(1)
    expect(refused.stderr).not.toContain('CREATED')
    const command = /git (signet resign .*\S)/.exec(refused.stderr)?.[1] ?? ''
    expect(command).toBe('signet resign --root HEAD')
    await alice.signet(...command.split(' ').slice(1))
    const push = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(push.status, push.stderr).toBe(0)
    // A second branch starts at the first.
    const main = (await server.ref('refs/heads/main')) ?? ''
    await alice.commit('forgotten', { unsigned: true })
    const topic = await alice.push('origin', 'HEAD:refs/heads/topic')
    expect(topic.status).toBe(1)
    expect(topic.stderr).toContain(`git signet resign ${main.slice(0, 10)}..HEAD`)
  })
})

describe('refs', () => {
  test('attack 51: protected and unprotected ref in one push, one bad among good ones rejects all', async () => {
    const { server, alice } = await governed('several')
    await alice.commit('good')
    await alice.ok('branch', 'good')
    await alice.commit('bad', { unsigned: true })
    await alice.ok('branch', 'bad')
    for (const refs of [
      ['good:refs/heads/main', 'bad:refs/heads/other'],
      ['bad:refs/heads/main', 'good:refs/heads/other'],
    ]) {
      const push = await alice.push('origin', ...refs)
      expect(push.status).toBe(1)
      expect(push.stderr).toContain('UNSIGNED')
      expect(await server.ref('refs/heads/other')).toBeUndefined()
    }
    const push = await alice.push('origin', 'good:refs/heads/main', 'good:refs/heads/other')
    expect(push.status, push.stderr).toBe(0)
  })

  test('attack 50: unsigned commit first to an unprotected ref, then protected ref moved there', async () => {
    const { alice } = await governed('laundered', 'other-refs = "any"')
    await alice.commit('unsigned', { unsigned: true })
    const aside = await alice.push('origin', 'HEAD:refs/heads/aside')
    expect(aside.status, aside.stderr).toBe(0)
    const push = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('it has no signature')
    const deleted = await alice.push('origin', ':refs/heads/aside')
    expect(deleted.status, deleted.stderr).toBe(0)
  })

  test('attacks 52, 58: forced update, delete, delete + create in one push, create from nowhere', async () => {
    const more = '[[protect]]\nrefs = ["refs/heads/release/*"]\nby = ["alice"]\n'
    const { server, alice, anchor } = await governed('moved', more)
    await alice.commit('one')
    await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main', 'HEAD:refs/heads/release/1')
    const codesOf = async (...refs: readonly string[]): Promise<string> => {
      const push = await alice.push('--force', 'origin', ...refs)
      expect(push.status).toBe(1)
      return push.stderr
    }
    expect(await codesOf(`${anchor}:refs/heads/main`)).toContain('REWRITTEN')
    await server.git('config', 'receive.denyDeleteCurrent', 'ignore')
    expect(await codesOf(':refs/heads/main')).toContain('DELETED')
    expect(await codesOf(':refs/heads/release/1')).toContain('DELETED')
    expect(await codesOf(':refs/heads/release/1', 'HEAD:refs/heads/release/2')).toContain('DELETED')
    expect(await codesOf(`${anchor}:refs/heads/release/2`)).toContain('CREATED')
    await alice.ok('checkout', '-q', '--orphan', 'elsewhere')
    await alice.commit('unrelated')
    expect(await codesOf('HEAD:refs/heads/release/3')).toContain('NOT_DESCENDANT')
    expect(await codesOf('HEAD:refs/heads/main')).toMatch(/anchor|NOT_DESCENDANT|REWRITTEN/)
  })

  test('a symbolic ref is judged as what it points to', async () => {
    const { server, alice } = await governed('symbolic', 'other-refs = "any"')
    await server.git('symbolic-ref', 'refs/heads/alias', 'refs/heads/main')
    await alice.commit('unsigned', { unsigned: true })
    const push = await alice.push('origin', 'HEAD:refs/heads/alias')
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('refs/heads/main')
  })

  test('attack 37: refs/replace/* pushed for a protected commit', async () => {
    const { server, alice } = await governed('replaced', 'other-refs = "any"')
    const good = await alice.commit('good')
    const bad = await alice.commit('bad', { unsigned: true })
    const push = await alice.push('origin', `${good}:refs/replace/${bad}`)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('REF_NOT_ALLOWED')
    await alice.ok('push', '-q', 'origin', `${bad}:refs/heads/aside`)
    await server.git('update-ref', `refs/replace/${bad}`, good)
    expect((await alice.push('origin', `${bad}:refs/heads/main`)).status).toBe(1)
  })

  test('notes are exempt, push options are ignored', async () => {
    const { server, alice } = await governed('notes')
    await server.git('config', 'receive.advertisePushOptions', 'true')
    await alice.ok('notes', 'add', '-m', 'a note', 'HEAD')
    const push = await alice.push('-o', 'signet.skip', 'origin', 'refs/notes/commits')
    expect(push.status, push.stderr).toBe(0)
    await alice.commit('unsigned', { unsigned: true })
    const bad = await alice.push('-o', 'skip', 'origin', 'HEAD:refs/heads/main')
    expect(bad.status).toBe(1)
  })
})

describe('tags', () => {
  const more =
    '[[protect]]\nrefs = ["refs/tags/v*"]\nby = ["alice"]\n[[protect]]\nrefs = ["refs/heads/dev"]\nby = ["alice"]\n'

  test('attack 90: git push --follow-tags with a new commit and its tag', async () => {
    const { alice } = await governed('follow', more)
    await alice.commit('release')
    await alice.ok('tag', '-s', '-m', 'one', 'v1')
    const push = await alice.push('--follow-tags', 'origin', 'HEAD:refs/heads/main')
    expect(push.status, push.stderr).toBe(0)
  })

  test('attack 53: signed v1 tag put at refs/tags/v2, lightweight, moved, outside the branch', async () => {
    const { alice } = await governed('tags', more)
    await alice.commit('release')
    await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
    await alice.ok('tag', '-s', '-m', 'one', 'v1')
    await alice.ok('push', '-q', 'origin', 'v1')
    const refused = async (...refs: readonly string[]): Promise<string> => {
      const push = await alice.push('--force', 'origin', ...refs)
      expect(push.status).toBe(1)
      return push.stderr
    }
    await alice.ok('tag', 'v2')
    expect(await refused('v2')).toContain('TAG_NOT_ANNOTATED')
    expect(await refused('v1:refs/tags/v3')).toContain('TAG_NAME')
    await alice.commit('later')
    await alice.ok('tag', '-s', '-f', '-m', 'again', 'v1')
    expect(await refused('v1')).toContain('TAG_MOVED')
    await alice.ok('tag', '-s', '-m', 'unpushed', 'v4')
    expect(await refused('v4')).toContain('TAG_TARGET')
    expect(await refused('v4', 'HEAD:refs/heads/dev')).toContain('TAG_TARGET')
  })
})

describe('where trust starts', () => {
  test('attack 88: first push to an empty repository without the anchor, with it, another ref before it', async () => {
    const server = await team.server('fresh')
    const alice = await team.member('alice', server)
    const anchor = await alice.commitPolicy(team.policy(['alice']))
    await server.install('--anchor', anchor)
    const other = await alice.push('origin', 'HEAD:refs/heads/other')
    expect(other.status).toBe(1)
    expect(other.stderr).toMatch(/refs\/heads\/main has to be pushed/)
    await alice.ok('checkout', '-q', '--orphan', 'unrelated')
    await alice.commit('unrelated')
    const without = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(without.status).toBe(1)
    expect(without.stderr).toContain('anchor')
    const first = await alice.push('origin', `${anchor}:refs/heads/main`)
    expect(first.status, first.stderr).toBe(0)
    const later = await alice.push('origin', `${anchor}:refs/heads/other`)
    expect(later.status, later.stderr).toBe(0)
  })

  test('attack 89: branch older than the anchor, unprotected, protected, with [[accept]]', async () => {
    const server = await team.server('older')
    const alice = await team.member('alice', server)
    const old = await alice.commit('long ago', { unsigned: true })
    const more = '[[protect]]\nrefs = ["refs/heads/release/*"]\nby = ["alice"]\n'
    const anchor = await alice.commitPolicy(team.policy(['alice'], more))
    await server.install('--anchor', anchor)
    await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
    const free = await alice.push('origin', `${old}:refs/heads/old`)
    expect(free.status, free.stderr).toBe(0)
    const ruled = await alice.push('origin', `${old}:refs/heads/release/0`)
    expect(ruled.status).toBe(1)
    expect(ruled.stderr).toContain('NOT_DESCENDANT')
    const accept = `[[accept]]\ncommit = "${old}"\ncovers = "ancestors"\nreason = "before"\n`
    await alice.commitPolicy(team.policy(['alice'], `${more}${accept}`), 'accept')
    await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
    await alice.ok('checkout', '-q', '-b', 'fix', old)
    await alice.commit('fix on old')
    const accepted = await alice.push('origin', 'HEAD:refs/heads/release/0')
    expect(accepted.status, accepted.stderr).toBe(0)
  })
})
