import { rmSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { startHttp } from './network.ts'
import type { HttpListening } from './network.ts'
import { Team, ZERO } from './server.ts'
import type { Member, Server } from './server.ts'

let stack: LocalStack
let team: Team
let http: HttpListening

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  team = await Team.create(stack)
  http = await startHttp(team.home, team.env)
})

afterAll(async () => {
  await http.close()
  team.remove()
  await stack.close()
})

const REF = 'refs/heads/signed'
const SIGNED = `HEAD:${REF}`
const more = `[[protect]]\nrefs = ["${REF}"]\nby = ["alice"]\npush-cert = true\ndelete = true\n`

/** A server on which one branch takes signed pushes only. */
async function certified(name: string): Promise<{ server: Server; alice: Member }> {
  const { server, alice } = await team.guarded(name, more)
  await server.git('config', 'receive.certNonceSeed', 'seed')
  await alice.commit('good')
  return { server, alice }
}

async function refused(
  server: Server,
  member: Member,
  ...args: readonly string[]
): Promise<string> {
  const before = await server.ref(REF)
  const push = await member.push(...args)
  expect(push.status, push.stderr).toBe(1)
  expect(push.stderr).toContain('PUSH_CERT')
  expect(await server.ref(REF)).toBe(before)
  return push.stderr.replaceAll(/\s*\nremote: */g, ' ')
}

async function passes(member: Member, ...args: readonly string[]): Promise<void> {
  const push = await member.push(...args)
  expect(push.status, push.stderr).toBe(0)
}

/** Sends the body of a push once more. @returns what the server answered */
function replay(url: string, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const post = request(`${url}/git-receive-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
    })
    post.once('error', reject)
    post.once('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        resolve(Buffer.concat(parts).toString('latin1'))
      })
    })
    post.end(body)
  })
}

/** The newest certificate that the server has kept. */
function certificateOf(server: Server): string {
  const id = server.journal().at(-1)?.['certificate']
  if (typeof id !== 'string') throw new Error('the last push had no certificate')
  return id
}

describe('attack 59: push certificate', () => {
  test('missing, or by somebody the rule does not name, or by nobody the policy knows', async () => {
    const { server, alice } = await certified('missing')
    await refused(server, alice, 'origin', SIGNED)
    for (const name of ['bob', 'carol']) {
      const other = await team.member(name, server)
      await other.ok('pull', '-q', `${team.home}/${alice.folder}`, 'main')
      expect(await refused(server, other, '--signed', 'origin', SIGNED)).toContain(
        'why: the push is signed by somebody who may not push here',
      )
    }
    await passes(alice, '--signed', 'origin', SIGNED)
    await alice.commit('better')
    await refused(server, alice, 'origin', SIGNED)
    await refused(server, alice, 'origin', `:${REF}`)
    await passes(alice, '--signed', 'origin', `:${REF}`)
  })

  test('without a nonce of this server: certNonceSeed not set, and another server’s seed', async () => {
    const { server, alice } = await certified('seedless')
    await server.git('config', '--unset', 'receive.certNonceSeed')
    const push = await alice.push('--signed=if-asked', 'origin', SIGNED)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('PUSH_CERT')
    await server.git('config', 'receive.certNonceSeed', 'seed')
    await passes(alice, '--signed', 'origin', SIGNED)
  })

  test('nonce SLOP: issued by an earlier process, and only receive.certNonceSlop makes it good', async () => {
    const { server, alice } = await certified('slop')
    const url = `${http.url}/${server.folder}`
    // Rejected for its time alone: the signature is made while the clock goes on.
    await alice.ok('config', 'gpg.x509.program', team.slowProgram(1500))
    const late = await refused(server, alice, '--signed', url, SIGNED)
    expect(late).toContain('why: its nonce is of an earlier second than the push')
    expect(late).toContain('receive.certNonceSlop')
    await server.git('config', 'receive.certNonceSlop', '600')
    await passes(alice, '--signed', url, SIGNED)
    expect(server.journal().at(-1)).toMatchObject({ ref: REF, verdict: 'pass' })
  })

  test('a replayed certificate, within the slop and after it, and over another transport', async () => {
    const { server, alice } = await certified('replay')
    const url = `${http.url}/${server.folder}`
    await server.git('config', 'receive.certNonceSlop', '600')
    await passes(alice, '--signed', url, SIGNED)
    const body = http.pushes.at(-1)
    if (body === undefined) throw new Error('nothing was pushed')
    await passes(alice, '--signed', url, `:${REF}`)
    expect(await server.ref(REF)).toBeUndefined()
    // git itself lets it through: the nonce is its own and young enough.
    const within = await replay(url, body)
    expect(within).toContain('why: it was used for a push before')
    expect(within).toContain('pre-receive hook declined')
    expect(await server.ref(REF)).toBeUndefined()
    await server.git('config', '--unset', 'receive.certNonceSlop')
    const after = await replay(url, body)
    expect(after).toContain('PUSH_CERT')
    expect(await server.ref(REF)).toBeUndefined()
  })

  test('the same push again, because the first one failed behind the hook, is a new certificate', async () => {
    const { server, alice } = await certified('again')
    await server.git('config', 'receive.certNonceSlop', '600')
    await server.git('update-ref', 'refs/heads/signed/in-the-way', await objectOf(server, alice))
    const failed = await alice.push('--signed', `${http.url}/${server.folder}`, SIGNED)
    expect(failed.status).toBe(1)
    await server.git('update-ref', '-d', 'refs/heads/signed/in-the-way')
    await passes(alice, '--signed', `${http.url}/${server.folder}`, SIGNED)
  })

  test('for another pushee: a path, a URL of another name, signet.hook.pushee', async () => {
    const { server, alice } = await certified('pushee')
    await server.git('config', 'receive.certNonceSlop', '600')
    const other = await team.server('pushee-other')
    await server.git('config', 'signet.hook.pushee', 'https://example.org/pushee.git')
    expect(await refused(server, alice, '--signed', 'origin', SIGNED)).toContain('PUSH_CERT')
    await server.git('config', '--add', 'signet.hook.pushee', server.path)
    await passes(alice, '--signed', 'origin', SIGNED)
    await server.git('config', '--unset-all', 'signet.hook.pushee')
    await alice.commit('more')
    // The same repository by another name: a certificate for it could be meant for a twin.
    await team.run('ln', ['-s', server.path, 'alias.git'])
    await refused(server, alice, '--signed', `${http.url}/alias.git`, SIGNED)
    expect(await other.ref(REF)).toBeUndefined()
    await passes(alice, '--signed', `${http.url}/${server.folder}`, SIGNED)
  })

  test('lines not equal to stdin: one more, one less, another value', async () => {
    const { server, alice } = await certified('lines')
    await passes(alice, '--signed', 'origin', SIGNED)
    const certificate = certificateOf(server)
    const good = await alice.ok('rev-parse', 'HEAD')
    await server.git('update-ref', '-d', REF)
    const nonce = /^nonce (.*)$/m.exec(
      (await server.git('cat-file', 'blob', certificate)).stdout,
    )?.[1]
    const judge = async (
      ...lines: readonly string[]
    ): Promise<{ status: number | null; text: string }> => {
      const { status, stderr } = await team.run(server.hookFile, [], {
        cwd: server.folder,
        input: lines.map((line) => `${line}\n`).join(''),
        env: {
          GIT_DIR: server.path,
          GIT_PUSH_CERT: certificate,
          GIT_PUSH_CERT_NONCE: nonce ?? '',
          GIT_PUSH_CERT_NONCE_STATUS: 'OK',
        },
      })
      return { status, text: stderr }
    }
    // Without its journal the hook does not know that this certificate was used before.
    rmSync(join(server.path, 'signet'), { recursive: true })
    const line = `${ZERO} ${good} ${REF}`
    for (const lines of [
      [line, `${ZERO} ${good} refs/heads/more`],
      [`${ZERO} ${good} refs/heads/signed-not`, line],
    ]) {
      const { status, text } = await judge(...lines)
      expect(status, text).toBe(1)
      expect(text).toContain('why: its lines are not the refs that this push moves')
    }
    const alone = await judge(line)
    expect(alone.status, alone.text).toBe(0)
  })
})

/** A commit of alice's that the server has, behind no ref. */
async function objectOf(server: Server, alice: Member): Promise<string> {
  await server.git('fetch', '-q', `${team.home}/${alice.folder}`, 'HEAD')
  return alice.ok('rev-parse', 'HEAD')
}
