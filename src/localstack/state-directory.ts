import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { chmod, mkdir, readFile, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import { encodePem, parsePemBundle } from '../encoding/pem.ts'
import { UsageError } from '../errors.ts'
import { createCodeSigningHierarchy, createTimestampingHierarchy } from './ca-hierarchy.ts'
import type { Hierarchy } from './ca-hierarchy.ts'

const FORMAT = 'git-signet-local-stack/1'
const MARKER = 'stack.json'

/** Everything that a stack may leave in its directory; `reset` removes these and nothing else. */
export const STATE_FILES = {
  keys: 'keys',
  freshKeys: 'keys.new',
  logs: 'logs',
  marker: MARKER,
  lock: 'lock',
  output: 'stack.log',
  trustedRoot: 'trusted_root.json',
  signingConfig: 'signing_config.v0.2.json',
  clientTrustConfig: 'client_trust_config.json',
  fulcioChain: 'fulcio-chain.pem',
  rekorKey: 'rekor.pub',
  rekorV2Key: 'rekor-v2.pub',
  ctKey: 'ctfe.pub',
  tsaChain: 'tsa-chain.pem',
  signetEnv: 'git-signet.env',
  gitsignEnv: 'gitsign.env',
  cosignEnv: 'cosign.env',
} as const

export interface StackKeys {
  readonly oidc: KeyObject
  readonly ci: KeyObject
  readonly ct: KeyObject
  readonly rekor: KeyObject
  readonly rekorV2: KeyObject
  readonly fulcio: Hierarchy
  readonly tsa: Hierarchy
}

/** What a stack is for all its life. */
export interface StackIdentity {
  /** Milliseconds since the epoch. */
  readonly created: number
  /** Rekor v1's tree: a positive int64, decimal. */
  readonly treeId: string
  /** Chosen when the stack first listens: it is part of every address that the stack gives out. */
  readonly port: number | undefined
}

/** A directory that belongs to one stack. */
export class StateDirectory {
  readonly path: string
  readonly keys: StackKeys
  #identity: StackIdentity

  private constructor(path: string, keys: StackKeys, identity: StackIdentity) {
    this.path = path
    this.keys = keys
    this.#identity = identity
  }

  /**
   * Opens the state in `path`, making it when there is none.
   *
   * @throws UsageError STACK_DIRECTORY when the directory holds something else
   */
  static async open(path: string, clock: () => number): Promise<StateDirectory> {
    await makeStateDirectory(path)
    const identity = await readIdentity(path)
    if (identity !== undefined) return new StateDirectory(path, await readKeys(path), identity)
    await removeUnfinished(path)
    const created = clock()
    const fresh: StackIdentity = { created, treeId: randomTreeId(), port: undefined }
    await writeKeys(path, await generateKeys(created))
    await mkdir(join(path, STATE_FILES.logs), { mode: 0o700 })
    const state = new StateDirectory(path, await readKeys(path), fresh)
    await state.#save()
    return state
  }

  get identity(): StackIdentity {
    return this.#identity
  }

  file(name: keyof typeof STATE_FILES): string {
    return join(this.path, STATE_FILES[name])
  }

  logFile(name: string): string {
    return join(this.path, STATE_FILES.logs, name)
  }

  async rememberPort(port: number): Promise<void> {
    if (this.#identity.port === port) return
    this.#identity = { ...this.#identity, port }
    await this.#save()
  }

  async write(name: keyof typeof STATE_FILES, content: string): Promise<void> {
    await writeWhole(this.file(name), content)
  }

  async #save(): Promise<void> {
    await this.write(
      'marker',
      `${JSON.stringify({ format: FORMAT, ...this.#identity }, null, 2)}\n`,
    )
  }
}

/**
 * Makes the directory, or makes one that is empty or a stack's its owner's alone.
 *
 * @throws UsageError STACK_DIRECTORY when it cannot be made or holds something else
 */
export async function makeStateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    if ((await readIdentity(path)) === undefined) await checkUsable(path)
    await chmod(path, 0o700)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw foreign(path, `the system says ${(error as NodeJS.ErrnoException).code ?? 'no'}`, error)
  }
}

/** Neither it nor, perhaps, the directory it would be in. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/**
 * @returns undefined when there is no stack in the directory
 * @throws UsageError STACK_DIRECTORY when the marker is not ours
 */
export async function readIdentity(path: string): Promise<StackIdentity | undefined> {
  let text: string
  try {
    text = await readFile(join(path, MARKER), 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const value = parseJson(text, MARKER)
  if (isJsonObject(value) && value['format'] === FORMAT) {
    const { created, treeId, port } = value
    if (typeof created === 'number' && typeof treeId === 'string') {
      return { created, treeId, port: typeof port === 'number' ? port : undefined }
    }
  }
  throw foreign(path, `${MARKER} is not a local stack's`)
}

/**
 * Deletes a stack's files, and the directory when nothing else is in it.
 *
 * @returns names of what was not ours and stays
 * @throws UsageError STACK_DIRECTORY when the directory is not a stack's
 */
export async function deleteState(path: string): Promise<string[]> {
  if ((await readIdentity(path)) === undefined) throw foreign(path, 'there is no stack in it')
  const others = (await readdir(path)).filter((name) => !isOurs(name))
  for (const name of Object.values(STATE_FILES)) {
    // The marker last: until then the directory is known as a stack's.
    if (name !== MARKER) await rm(join(path, name), { recursive: true, force: true })
  }
  await rm(join(path, MARKER))
  if (others.length === 0) await rmdir(path)
  return others
}

function isOurs(name: string): boolean {
  return (Object.values(STATE_FILES) as string[]).includes(name.replace(/\.tmp$/, ''))
}

/** @throws UsageError STACK_DIRECTORY when a directory without a stack holds something else */
async function checkUsable(path: string): Promise<void> {
  const other = (await readdir(path)).find((name) => !isOurs(name))
  if (other !== undefined) throw foreign(path, `it holds ${JSON.stringify(other)}`)
}

/** Left by a process that was killed while it made its keys. */
async function removeUnfinished(path: string): Promise<void> {
  await checkUsable(path)
  for (const name of await readdir(path)) {
    if (name !== STATE_FILES.lock && name !== STATE_FILES.output) {
      await rm(join(path, name), { recursive: true })
    }
  }
}

function foreign(path: string, why: string, cause?: unknown): UsageError {
  return new UsageError('STACK_DIRECTORY', `cannot use ${path} for a local stack: ${why}`, {
    hint: 'name an empty directory: git-signet stack up --dir D',
    cause,
  })
}

function randomTreeId(): string {
  const bytes = randomBytes(8)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.readBigInt64BE().toString()
}

async function generateKeys(created: number): Promise<StackKeys> {
  // Two stacks on one machine: their authorities have different names.
  const name = randomBytes(3).toString('hex')
  const p256 = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return {
    oidc: rsa(),
    ci: rsa(),
    ct: p256(),
    rekor: p256(),
    rekorV2: generateKeyPairSync('ed25519').privateKey,
    fulcio: await createCodeSigningHierarchy(name, created),
    tsa: await createTimestampingHierarchy(name, created),
  }
}

const PLAIN_KEYS = ['oidc', 'ci', 'ct', 'rekor', 'rekorV2'] as const
const HIERARCHIES = ['fulcio', 'tsa'] as const

/** All at once: a directory with half of the keys is never seen. */
async function writeKeys(path: string, keys: StackKeys): Promise<void> {
  const fresh = join(path, STATE_FILES.freshKeys)
  await mkdir(fresh, { mode: 0o700 })
  const save = async (name: string, key: KeyObject): Promise<void> => {
    await writeFile(join(fresh, `${name}.key`), key.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    })
  }
  for (const name of PLAIN_KEYS) await save(name, keys[name])
  for (const name of HIERARCHIES) {
    const { key, chain } = keys[name]
    await save(name, key)
    await writeFile(
      join(fresh, `${name}.pem`),
      chain.map((certificate) => encodePem('CERTIFICATE', certificate)).join(''),
      { mode: 0o600 },
    )
  }
  await rename(fresh, join(path, STATE_FILES.keys))
}

async function readKeys(path: string): Promise<StackKeys> {
  const folder = join(path, STATE_FILES.keys)
  const key = async (name: string): Promise<KeyObject> =>
    createPrivateKey(await readFile(join(folder, `${name}.key`), 'utf8'))
  const hierarchy = async (name: string): Promise<Hierarchy> => ({
    key: await key(name),
    chain: parsePemBundle(await readFile(join(folder, `${name}.pem`), 'utf8'), 'CERTIFICATE'),
  })
  return {
    oidc: await key('oidc'),
    ci: await key('ci'),
    ct: await key('ct'),
    rekor: await key('rekor'),
    rekorV2: await key('rekorV2'),
    fulcio: await hierarchy('fulcio'),
    tsa: await hierarchy('tsa'),
  }
}

async function writeWhole(path: string, content: string): Promise<void> {
  const fresh = `${path}.tmp`
  await writeFile(fresh, content, { mode: 0o600 })
  await rename(fresh, path)
}
