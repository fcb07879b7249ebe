import { escapeText } from '../../encoding/escape.ts'
import { UsageError } from '../../errors.ts'
import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { fullRefName, resolveRevision } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'

const HEADS = 'refs/heads/'

/** The id a full ref name resolves to, unpeeled. */
type Resolve = (name: string) => Promise<string | undefined>

/**
 * Refs by the names that rules know them by. In a clone the branches of the server are its
 * remote-tracking refs; elsewhere a ref is what it is called.
 */
export class RefView {
  /** Full name by which rules know the policy branch. */
  readonly policyBranch: string
  readonly #place: GitPlace
  readonly #resolve: Resolve
  /** `refs/remotes/origin/` in a clone. */
  readonly #remote: string | undefined

  /**
   * The refs here, the first of which that exists is the policy branch.
   *
   * @throws UsageError SETTING_INVALID
   */
  static policyRefs(sources: SettingSources): readonly string[] {
    const { value } = readSetting('policyBranch', sources)
    return value === undefined || value === ''
      ? [`refs/remotes/${remoteName(sources)}/main`, `${HEADS}main`]
      : [fullName(value)]
  }

  /** @throws UsageError SETTING_INVALID; UnavailableError as runGit */
  static async open(
    place: GitPlace,
    sources: SettingSources,
    resolve: Resolve = (name) => resolveRevision(place, name),
  ): Promise<RefView> {
    const [first = '', otherwise] = RefView.policyRefs(sources)
    const isFirst = otherwise === undefined || (await resolve(first)) !== undefined
    const local = isFirst ? first : otherwise
    const [, remote, branch = ''] = /^(refs\/remotes\/[^/]+\/)(.+)$/.exec(local) ?? []
    const policyBranch = remote === undefined ? local : `${HEADS}${branch}`
    return new RefView(place, resolve, policyBranch, remote)
  }

  private constructor(
    place: GitPlace,
    resolve: Resolve,
    policyBranch: string,
    remote: string | undefined,
  ) {
    this.#place = place
    this.#resolve = resolve
    this.policyBranch = policyBranch
    this.#remote = remote
  }

  /** What a ref is called here: the remote-tracking one in a clone. */
  localName(ref: string): string {
    return this.#remote !== undefined && ref.startsWith(HEADS)
      ? `${this.#remote}${ref.slice(HEADS.length)}`
      : ref
  }

  /** By what name rules know a ref that is here; undefined for one that hides behind another. */
  ruleName(local: string): string | undefined {
    const remote = this.#remote
    if (remote === undefined) return local
    if (local.startsWith(remote)) {
      const branch = local.slice(remote.length)
      return branch === 'HEAD' ? undefined : `${HEADS}${branch}`
    }
    return local.startsWith(HEADS) ? undefined : local
  }

  /** The commit or tag object a ref resolves to, by the name that rules know. */
  tipOf(ref: string): Promise<string | undefined> {
    return this.#resolve(this.localName(ref))
  }

  /**
   * The ref a person names, by its rule name, with the tip it has here.
   *
   * @throws UsageError REF_UNKNOWN
   */
  async named(name: string): Promise<{ ref: string; tip: string }> {
    for (const candidate of [name, this.localName(fullName(name))]) {
      const local = await fullRefName(this.#place, candidate)
      if (local === undefined) continue
      const tip = await resolveRevision(this.#place, local)
      if (tip !== undefined) return { ref: this.ruleName(local) ?? local, tip }
    }
    throw new UsageError('REF_UNKNOWN', `no such ref: ${escapeText(name)}`, {
      hint: 'git for-each-ref shows what there is',
    })
  }
}

function fullName(name: string): string {
  return name.startsWith('refs/') ? name : `${HEADS}${name}`
}

function remoteName({ gitConfig }: SettingSources): string {
  const configured = gitConfig.get('branch.main.remote')
  return configured === undefined || configured === null || /[/\s]/.test(configured)
    ? 'origin'
    : configured
}
