import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { found } from '../corpus/truth.ts'
import { readShared, sharedPath } from '../shared.ts'
import { Person, programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'

/** Somebody with both repositories of the interop data and its trust root configured. */
export class InteropPerson extends Person {
  static async create(): Promise<InteropPerson> {
    const person = new InteropPerson()
    for (const name of ['repo', 'repo-sha256']) {
      await person.run('tar', ['-xzf', found(sharedPath(`interop/${name}.git.tar.gz`), name)])
    }
    person.env['SIGNET_TRUSTED_ROOT'] = found(sharedPath('interop/trusted_root.json'), 'root')
    return person
  }

  /** Runs git-signet in one of the repositories. */
  at(repository: 'repo' | 'repo-sha256', ...args: string[]): Promise<ProcessResult> {
    return this.run(process.execPath, [programPath, ...args], { cwd: `${repository}.git` })
  }

  path(name: string): string {
    return join(this.home, name)
  }
}

interface Recorded {
  index_retrieve: string[]
  entries: Record<string, Record<string, { body: string }>>
}

/** A Rekor v1 that answers as recorded in interop/online.json. */
export async function recordedRekor(): Promise<{ url: string; close(): Promise<void> }> {
  const online = Object.values(
    JSON.parse(readShared('interop/online.json').toString()) as Record<string, Recorded>,
  )
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const answer = answerTo(request.method ?? '', request.url ?? '', body, online)
      response.statusCode = answer === undefined ? 404 : 200
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer ?? { code: 404, message: 'entry not found' }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

function answerTo(method: string, url: string, body: string, online: Recorded[]): unknown {
  if (method === 'POST' && url === '/api/v1/index/retrieve') {
    const { publicKey } = JSON.parse(body) as { publicKey: { content: string } }
    const match = online.find(({ entries }) =>
      Object.values(entries)
        .flatMap((entry) => Object.values(entry))
        .some((entry) => certificateOf(entry.body) === publicKey.content),
    )
    return match?.index_retrieve ?? []
  }
  const id = /^\/api\/v1\/log\/entries\/([0-9a-f]+)$/.exec(url)?.[1] ?? ''
  return online.map(({ entries }) => entries[id]).find((entry) => entry !== undefined)
}

function certificateOf(body: string): string {
  const value = JSON.parse(Buffer.from(body, 'base64').toString()) as {
    spec: { signature: { publicKey: { content: string } } }
  }
  return value.spec.signature.publicKey.content
}
