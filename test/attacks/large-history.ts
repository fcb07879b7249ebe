import { spawn } from 'node:child_process'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { deflateSync } from 'node:zlib'

/** Somebody who signs with an SSH key of his own. */
export interface KeyOwner {
  readonly name: string
  readonly address: string
  readonly line: string
  readonly key: KeyObject
  readonly blob: Buffer
}

/** A folder of contents and folders; what has been stored is an id. */
type Folder = Readonly<Record<string, Stored>>
interface Stored {
  readonly id: string
  readonly mode: string
}

/** One commit of the history that is written. */
export interface WrittenCommit {
  /** Undefined: it is not signed. */
  readonly by: KeyOwner | undefined
  readonly parents: readonly string[]
  readonly tree: string
}

export function keyOwner(name: string): KeyOwner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(raw)])
  const line = `ssh-ed25519 ${blob.toString('base64')}`
  return { name, address: `${name}@example.org`, line, key: privateKey, blob }
}

function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** SSHSIG of namespace git, as `ssh-keygen -Y sign` writes it (PROTOCOL.sshsig). */
function sshSignature(payload: Buffer, { key, blob }: KeyOwner): string {
  const fields = [sshString('git'), sshString(''), sshString('sha512')]
  const digest = createHash('sha512').update(payload).digest()
  const raw = sign(null, Buffer.concat([Buffer.from('SSHSIG'), ...fields, sshString(digest)]), key)
  const version = Buffer.from([0, 0, 0, 1])
  const signature = sshString(Buffer.concat([sshString('ssh-ed25519'), sshString(raw)]))
  const all = Buffer.concat([Buffer.from('SSHSIG'), version, sshString(blob), ...fields, signature])
  const lines = all.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----'].join('\n ')
}

/** Writes objects of a repository into one pack. */
export class PackWriter {
  readonly #objects: Buffer[] = []
  readonly #known = new Set<string>()
  #clock = 1_700_000_000

  blob(content: string): Stored {
    return { id: this.#add('blob', Buffer.from(content)), mode: '100644' }
  }

  folder(entries: Folder): Stored {
    // Folders are sorted as if their name ended in a slash.
    const key = ([name, { mode }]: readonly [string, Stored]): string =>
      mode === '40000' ? `${name}/` : name
    const sorted = Object.entries(entries).sort((a, b) => (key(a) < key(b) ? -1 : 1))
    const bytes = sorted.map(([name, { id, mode }]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
    )
    return { id: this.#add('tree', Buffer.concat(bytes)), mode: '40000' }
  }

  commit({ by, parents, tree }: WrittenCommit): string {
    const { name, address } = by ?? { name: 'nobody', address: 'nobody@example.org' }
    const ident = `${name} <${address}> ${String((this.#clock += 1))} +0000`
    const head = [
      `tree ${tree}`,
      ...parents.map((id) => `parent ${id}`),
      `author ${ident}`,
      `committer ${ident}`,
    ].join('\n')
    const message = '\n\nwork\n'
    if (by === undefined) return this.#add('commit', Buffer.from(head + message))
    const signature = sshSignature(Buffer.from(head + message), by)
    return this.#add('commit', Buffer.from(`${head}\ngpgsig ${signature}${message}`))
  }

  /** A signed tag of a commit. */
  tag({ by, name, target }: { by: KeyOwner; name: string; target: string }): string {
    const tagger = `${by.name} <${by.address}> ${String((this.#clock += 1))} +0000`
    const payload = `object ${target}\ntype commit\ntag ${name}\ntagger ${tagger}\n\ntag\n`
    const signature = sshSignature(Buffer.from(payload), by).replaceAll('\n ', '\n')
    return this.#add('tag', Buffer.from(`${payload}${signature}\n`))
  }

  /** Hands the pack to git. */
  async store(gitFolder: string): Promise<void> {
    const git = spawn('git', ['-C', gitFolder, 'index-pack', '--stdin'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    const hash = createHash('sha1')
    const write = async (bytes: Buffer): Promise<void> => {
      hash.update(bytes)
      if (!git.stdin.write(bytes)) await once(git.stdin, 'drain')
    }
    const head = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1')
    head.writeUInt32BE(this.#objects.length, 8)
    await write(head)
    for (const object of this.#objects) await write(object)
    git.stdin.end(hash.digest())
    const [code] = (await once(git, 'close')) as [number]
    if (code !== 0) throw new Error(`git index-pack: ${String(code)}`)
  }

  #add(type: 'commit' | 'tree' | 'blob' | 'tag', bytes: Buffer): string {
    const hash = createHash('sha1').update(`${type} ${String(bytes.length)}\0`)
    const id = hash.update(bytes).digest('hex')
    if (this.#known.has(id)) return id
    this.#known.add(id)
    // One object of a pack (gitformat-pack): type and size, then zlib.
    const header = [({ commit: 1, tree: 2, blob: 3, tag: 4 }[type] << 4) | (bytes.length & 15)]
    for (let rest = bytes.length >> 4; rest > 0; rest >>= 7) {
      header.push((header.pop() ?? 0) | 0x80, rest & 0x7f)
    }
    this.#objects.push(Buffer.concat([Buffer.from(header), deflateSync(bytes, { level: 1 })]))
    return id
  }
}
