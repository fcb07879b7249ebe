import { join } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { loadTrustRoots } from '../../config/trust-root.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import type { GitConfig } from '../../git/config.ts'
import { readGitConfigNow } from '../../git/config-now.ts'
import { resolveRevision } from '../../git/refs.ts'
import { RememberingReader } from '../../git/remembering-reader.ts'
import type { GitPlace } from '../../git/run.ts'
import { LateCache } from '../../hooks/late-cache.ts'
import { serverPaths } from '../../hooks/server-paths.ts'
import { isZero } from '../../policy/context.ts'
import type { Step } from '../../policy/context.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import { FactsCache } from '../../verification/cache.ts'
import { VERSION } from '../version.ts'
import type { HookFlags } from './flags.ts'
import { namesAhead } from './read-ahead.ts'
import type { ReadAhead } from './read-ahead.ts'

/** Few enough to read one by one. */
const FEW = 8

/** The repository a hook runs in, and what it is told there; `close` it. */
export class Surroundings {
  readonly place: GitPlace
  readonly repository: RepositoryAnswers
  readonly config: GitConfig
  readonly sources: SettingSources
  readonly roots: TrustRoots
  readonly #steps: readonly Step[]
  readonly #current = new Map<string, Promise<string | undefined>>()

  /**
   * Opens the repository of a server's hook, started in its git directory.
   *
   * @param steps - what is pushed
   * @param ahead - what git was asked already
   * @throws UsageError TRUSTED_ROOT; UnavailableError as runGit
   */
  static async openServer(
    place: GitPlace,
    flags: HookFlags,
    steps: readonly Step[],
    ahead: ReadAhead | undefined,
  ): Promise<Surroundings> {
    const format = steps[0]?.before.length === 64 ? 'sha256' : 'sha1'
    const paths = serverPaths(place.cwd, place.env, format)
    if (paths === undefined) return Surroundings.#open(place, flags, steps)
    const reader = new RememberingReader(place)
    const names = namesAhead(steps, flags.anchor)
    if (ahead !== undefined) reader.take(names, ahead.objects)
    else if (steps.length <= FEW) reader.readNow(names)
    const repository = RepositoryAnswers.at(place, paths, reader)
    return Surroundings.#around(place, repository, flags, steps, ahead?.config)
  }

  /** As `openServer` for a hook on the pusher's side. */
  static openClient(place: GitPlace, flags: HookFlags): Promise<Surroundings> {
    return Surroundings.#open(place, flags, [])
  }

  static async #open(
    place: GitPlace,
    flags: HookFlags,
    steps: readonly Step[],
  ): Promise<Surroundings> {
    return Surroundings.#around(place, await RepositoryAnswers.open(place), flags, steps)
  }

  static async #around(
    place: GitPlace,
    repository: RepositoryAnswers,
    flags: HookFlags,
    steps: readonly Step[],
    config?: GitConfig,
  ): Promise<Surroundings> {
    try {
      return new Surroundings(place, repository, config ?? readGitConfigNow(place), flags, steps)
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
    steps: readonly Step[],
  ) {
    this.place = place
    this.repository = repository
    this.config = config
    this.#steps = steps
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
    const isFew = this.#steps.length <= FEW && this.#current.size < 2 * FEW
    const asked = isFew ? this.#one(ref) : this.repository.ref(ref)
    this.#current.set(ref, asked)
    return asked
  }

  async #one(ref: string): Promise<string | undefined> {
    const answer = await this.repository.read(ref)
    if (answer.kind !== 'missing') return answer.id
    // A ref to an object that is gone is there all the same; git says so itself where one is created.
    const isCreated = this.#steps.some((step) => step.ref === ref && isZero(step.before))
    return isCreated ? undefined : resolveRevision(this.place, ref)
  }

  readonly openCache = (roots: TrustRoots): LateCache =>
    new LateCache(() =>
      FactsCache.open({
        paths: this.repository.paths,
        roots,
        version: VERSION,
        keyFile: join(dataDirectory(this.place.env), 'facts.key'),
      }),
    )

  close(): Promise<void> {
    return this.repository.letGo()
  }
}
