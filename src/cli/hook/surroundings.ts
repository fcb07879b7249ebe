import { join, resolve } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { loadTrustRoots } from '../../config/trust-root.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import { readGitConfig } from '../../git/config.ts'
import type { GitConfig } from '../../git/config.ts'
import { resolveRevision } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import { clientEnvironment, serverEnvironment } from '../../hooks/environment.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import { FactsCache } from '../../verification/cache.ts'
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'
import type { HookFlags, HookName } from './flags.ts'

/** Few enough to ask git about one by one. */
const FEW = 8

/** The repository a hook runs in, and what it is told there; `close` it. */
export class Surroundings {
  readonly place: GitPlace
  readonly repository: RepositoryAnswers
  readonly config: GitConfig
  readonly sources: SettingSources
  readonly roots: TrustRoots
  readonly #current = new Map<string, Promise<string | undefined>>()

  /** @throws UsageError TRUSTED_ROOT; UnavailableError as runGit */
  static async open(context: Context, name: HookName, flags: HookFlags): Promise<Surroundings> {
    const cwd = resolve(context.cwd)
    const env =
      name === 'pre-push' ? clientEnvironment(context.env) : serverEnvironment(context.env, cwd)
    const place = { cwd, env }
    const [repository, config] = await Promise.all([
      RepositoryAnswers.open(place),
      readGitConfig(place),
    ])
    try {
      return new Surroundings(place, repository, config, flags)
    } catch (error) {
      await repository.close()
      throw error
    }
  }

  private constructor(
    place: GitPlace,
    repository: RepositoryAnswers,
    config: GitConfig,
    flags: HookFlags,
  ) {
    this.place = place
    this.repository = repository
    this.config = config
    this.sources = { env: place.env, gitConfig: config }
    const files = flags['trusted-root']
    this.roots =
      files.length === 0
        ? loadTrustRoots(readSetting('trustedRoot', this.sources))
        : files.flatMap((value) =>
            loadTrustRoots({ value, source: { kind: 'flag', name: '--trusted-root' } }),
          )
  }

  /** What a ref is now. */
  current(ref: string): Promise<string | undefined> {
    const known = this.#current.get(ref)
    if (known !== undefined) return known
    const asked =
      this.#current.size < FEW ? resolveRevision(this.place, ref) : this.repository.ref(ref)
    this.#current.set(ref, asked)
    return asked
  }

  readonly openCache = (roots: TrustRoots): FactsCache | undefined =>
    FactsCache.open({
      paths: this.repository.paths,
      roots,
      version: VERSION,
      keyFile: join(dataDirectory(this.place.env), 'facts.key'),
    })

  close(): Promise<void> {
    return this.repository.close()
  }
}
