import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { sha256 } from '../crypto/digest.ts'
import { randomBytes } from '../crypto/random.ts'
import { encodeUtf8, equalBytes } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import { ChainCommits } from '../policy/chain-commits.ts'
import type { Landing, PolicyChain } from '../policy/chain.ts'
import type { Policy } from '../policy/model.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { ignored, isPrivate, mac, readKey } from './cache.ts'
import type { FilesRead } from './policy-files.ts'
import type { FixedPolicy } from './policy-session.ts'

/** A policy chain, and what judging by it has found out that nothing but the chain decides. */
export interface KeptChain {
  readonly chain: PolicyChain
  /** What lies beside the policies, by the commits that landed them. */
  readonly files: ReadonlyMap<string, FilesRead>
  readonly audited: AuditedBranch | undefined
  /** Commits that were asked about and are not here: once one is, landings may be judged otherwise. */
  readonly absent: readonly string[]
}

/** What an audit of the policy branch has found. */
export interface AuditedBranch {
  /** A commit of the chain: the tip there was. */
  readonly upTo: string
  /** The newest value that the audit passes: `upTo`, or the last before a step that fails. */
  readonly verified: string
  /** The newest landing there was: a later one may deny what was good. */
  readonly landing: string
}

/** Where a session finds the chain that another one has built, and leaves its own. */
export interface ChainCache {
  read(): KeptChain | undefined
  write(kept: KeptChain): void
}

export interface PolicyCacheOptions {
  readonly paths: RepositoryPaths
  /** Full commit id. */
  readonly anchor: string
  readonly policyBranch: string
  /** Of the floor: what messages call it, and the digest of it and what it pins. */
  readonly floor: { readonly name: string; readonly id: string } | undefined
  /** Those of the settings. */
  readonly roots: TrustRoots
  /** Of this program: another one may judge landings by other rules. */
  readonly version: string
  /** File with this user's secret; made where there is none. Not in the repository. */
  readonly keyFile: string
}

/** A floor by its text and by the files beside it that it pins: landings are judged by both. */
export async function floorOf({
  policy,
  id,
  files,
}: FixedPolicy): Promise<PolicyCacheOptions['floor']> {
  const paths = [...policy.trust.values()].map(({ root }) => root)
  const keys = [...policy.entries.values()].flatMap((one) =>
    one.kind === 'shared' ? [] : one.keys,
  )
  if (keys.some(({ kind }) => kind === 'openpgp-key')) {
    paths.push(...(await files.list(KEYS)).map((name) => `${KEYS}/${name}`))
  }
  const parts = [id]
  for (const path of paths) {
    const bytes = await files.read(path)
    parts.push(path, bytes === undefined ? '' : encodeHex(sha256(bytes)))
  }
  return { name: policy.name, id: encodeHex(sha256(encodeUtf8(JSON.stringify(parts)))) }
}

const KEYS = '.signet/keys'

/** Longer chains are walked again: reading this much would be no quicker. */
const maxCommits = 200_000
const maxBytes = 16 << 20
/** Other anchors, roots and versions that were used before. */
const maxFiles = 16
const trailerBytes = 32

interface Stored {
  readonly tip: string
  readonly commits: Uint8Array
  readonly landings: readonly (Omit<Landing, 'policy'> & { readonly policy: Uint8Array })[]
  readonly failed: PolicyChain['failed']
  readonly files: KeptChain['files']
  readonly audited: AuditedBranch | undefined
  readonly absent: readonly string[]
}

/**
 * The policy chain of one anchor, as it was last built: one file below the git directory, for whoever
 * judges a single object and would spend most of the time walking the chain. It decides nothing: what it
 * holds follows from the ids in it, from the trust roots, the floor and the version that name it, and the
 * chain's tip is compared with the ref's by whoever reads it.
 *
 * The file is 0600, written whole under another name, and carries a MAC under a key outside the
 * repository: one that is damaged, somebody else's, writable by others, or came with a copied repository
 * is not read. Any failure is no cache, never an error.
 */
export class PolicyCache implements ChainCache {
  readonly #options: PolicyCacheOptions
  readonly #folder: string
  readonly #context: Uint8Array
  #key: Uint8Array | undefined

  constructor(options: PolicyCacheOptions) {
    const { paths, anchor, policyBranch, floor, roots, version } = options
    this.#options = options
    this.#folder = join(paths.commonDir, 'signet', 'policy')
    const rootIds = roots.map(({ name, digest }) => [name, digest])
    const { id: floorId, name: floorName } = floor ?? {}
    const parts = [anchor, policyBranch, floorId, floorName, rootIds, version, process.versions.v8]
    this.#context = encodeUtf8(`git-signet policy 2 ${JSON.stringify(parts)}`)
  }

  read(): KeptChain | undefined {
    try {
      const bytes = this.#readFile()
      const body = bytes?.subarray(0, -trailerBytes)
      if (bytes === undefined || body === undefined) return undefined
      if (!equalBytes(mac(this.#macKey(), body), bytes.subarray(-trailerBytes))) return undefined
      const { tip, commits, landings, failed, files, audited, absent } = deserialize(body) as Stored
      const [first, ...more] = landings.map(restoredLanding)
      if (first === undefined) return undefined
      const { anchor } = this.#options
      const idBytes = anchor.length / 2
      let ids: ChainCommits | undefined
      const chain: PolicyChain = {
        anchor,
        tip,
        get commits() {
          return (ids ??= ChainCommits.of(unpackIds(commits, idBytes)))
        },
        landings: [first, ...more],
        failed,
        uncertain: undefined,
      }
      return { chain, files, audited, absent }
    } catch (error) {
      return ignored(error)
    }
  }

  /** A chain that could not be checked to its end is not kept. */
  write({ chain, files, audited, absent }: KeptChain): void {
    const { anchor, tip, commits, failed } = chain
    if (chain.uncertain !== undefined || commits.length > maxCommits) return
    if (anchor !== this.#options.anchor) return
    const landings = chain.landings.map((landing) => ({
      commit: landing.commit,
      index: landing.index,
      at: landing.at,
      signedBy: landing.signedBy,
      policy: serialize(landing.policy),
    }))
    const stored: Stored = {
      tip,
      commits: Buffer.from([...commits].join(''), 'hex'),
      landings,
      failed,
      files,
      audited,
      absent,
    }
    const temporary = `${this.#path()}.${encodeHex(randomBytes(6))}.tmp`
    try {
      const body = serialize(stored)
      if (body.length > maxBytes) return
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      const content = Buffer.concat([body, mac(this.#macKey(), body)])
      try {
        writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' })
        renameSync(temporary, this.#path())
      } catch (error) {
        // The disk may be full.
        rmSync(temporary, { force: true })
        throw error
      }
      this.#removeOld()
    } catch (error) {
      ignored(error)
    }
  }

  #path(): string {
    return join(this.#folder, encodeHex(sha256(this.#context)).slice(0, 32))
  }

  #macKey(): Uint8Array {
    return (this.#key ??= mac(readKey(this.#options.keyFile), this.#context))
  }

  #readFile(): Buffer | undefined {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = openSync(this.#path(), flags)
    try {
      const status = fstatSync(file)
      const { size } = status
      const isUsable = isPrivate(status, 0o022) && size > trailerBytes && size <= maxBytes
      return isUsable ? readFileSync(file) : undefined
    } finally {
      closeSync(file)
    }
  }

  #removeOld(): void {
    const files = readdirSync(this.#folder)
    if (files.length <= maxFiles) return
    const byAge = files
      .map((name) => ({ name, age: statSync(join(this.#folder, name)).mtimeMs }))
      .sort((left, right) => right.age - left.age)
    for (const { name } of byAge.slice(maxFiles)) unlinkSync(join(this.#folder, name))
  }
}

/** Most objects are judged by the newest policy alone: the others stay as they were written. */
function restoredLanding(stored: Stored['landings'][number]): Landing {
  const { policy: bytes, ...rest } = stored
  let policy: Policy | undefined
  return {
    ...rest,
    get policy() {
      return (policy ??= deserialize(bytes) as Policy)
    },
  }
}

function unpackIds(packed: Uint8Array, idBytes: number): string[] {
  const hex = encodeHex(packed)
  const ids: string[] = []
  for (let at = 0; at < hex.length; at += 2 * idBytes) ids.push(hex.slice(at, at + 2 * idBytes))
  return ids
}
