import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LIMITS } from '../encoding/limits.ts'
import { UnavailableError } from '../errors.ts'
import { isUnanswered } from '../policy/git-answers.ts'
import type { GitAnswers, TreeEntry } from '../policy/git-answers.ts'

/** Where the files beside a policy lie; paths as the policy writes them: `.signet/trust/x.json`. */
export interface PolicyFiles {
  /** The file's bytes; `undefined` when it is absent, no regular file, or larger than any real one. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Names of regular files directly in a folder, sorted; empty when there is none. */
  list(folder: string): Promise<readonly string[]>
}

/** What was read of the files beside a policy, by path. */
export interface FilesRead {
  readonly files: Map<string, Uint8Array | undefined>
  readonly folders: Map<string, readonly string[]>
}

/** The files as they were read before; what was not is read now, and noted. */
export function rememberedFiles(files: PolicyFiles, known: FilesRead): PolicyFiles {
  return {
    async read(path) {
      if (!known.files.has(path)) known.files.set(path, await files.read(path))
      return known.files.get(path)
    },
    async list(folder) {
      const names = known.folders.get(folder) ?? (await files.list(folder))
      known.folders.set(folder, names)
      return names
    },
  }
}

/** The greatest file that is read: a trusted root. */
const maxBytes = LIMITS.trustedRootBytes

/**
 * The files of a commit's tree. Only regular files count: a link would lead out of what the landing
 * signed. Their methods throw UnavailableError POLICY_FILE where objects are missing.
 */
export function policyFilesInTree(git: GitAnswers, commit: string): PolicyFiles {
  const entryAt = async (path: string): Promise<TreeEntry | undefined> => {
    const object = await git.commit(commit)
    if (isUnanswered(object)) throw unread(path, object.detail)
    let entry: TreeEntry | undefined = { mode: '040000', id: object.tree }
    for (const part of path.split('/')) {
      if (entry?.mode !== '040000') return undefined
      const tree = await git.tree(entry.id)
      if (isUnanswered(tree)) throw unread(path, tree.detail)
      entry = tree.entries.find(({ name }) => name === part)
    }
    return entry
  }
  return {
    async read(path) {
      const entry = await entryAt(path)
      if (entry?.mode !== '100644') return undefined
      const bytes = await git.blob(entry.id, maxBytes)
      if (!isUnanswered(bytes)) return bytes
      if (bytes.unanswered === 'LIMIT') return undefined
      throw unread(path, bytes.detail)
    },
    async list(folder) {
      const entry = await entryAt(folder)
      if (entry?.mode !== '040000') return []
      const tree = await git.tree(entry.id)
      if (isUnanswered(tree)) throw unread(folder, tree.detail)
      return tree.entries
        .filter(({ mode }) => mode === '100644')
        .map(({ name }) => name)
        .sort()
    },
  }
}

function unread(path: string, detail: string): UnavailableError {
  return new UnavailableError('POLICY_FILE', `cannot read ${path}: ${detail}`)
}

/**
 * The files beside a policy that is given by its path: the folder it lies in stands for `.signet`.
 * Their methods throw UnavailableError POLICY_FILE where a file is there and cannot be read.
 */
export function policyFilesInFolder(folder: string): PolicyFiles {
  const placeOf = (path: string): string => join(folder, path.replace(/^\.signet\//, ''))
  return {
    read: settled((path) => {
      const place = placeOf(path)
      try {
        const found = statSync(place)
        return found.isFile() && found.size <= maxBytes ? readFileSync(place) : undefined
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw new UnavailableError('POLICY_FILE', `cannot read ${place}`, { cause: error })
      }
    }),
    list: settled((path) => {
      const place = placeOf(path)
      try {
        const entries = readdirSync(place, { withFileTypes: true })
        return entries
          .filter((entry) => entry.isFile() || entry.isSymbolicLink())
          .map((entry) => entry.name)
          .sort()
      } catch (error) {
        if (isAbsent(error)) return []
        throw new UnavailableError('POLICY_FILE', `cannot read ${place}`, { cause: error })
      }
    }),
  }
}

/** As an asynchronous function: reading a few small files at once is quicker than loading what waits. */
function settled<T>(read: (path: string) => T): (path: string) => Promise<T> {
  return (path) =>
    new Promise((resolve) => {
      resolve(read(path))
    })
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
}
