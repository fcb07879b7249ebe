import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectFormat } from '../../src/facts.ts'
import type { GitPlace } from '../../src/git/run.ts'

/** A real repository in a temporary folder, away from everybody's configuration. */
export class TestRepository {
  readonly folder: string
  readonly place: GitPlace
  #marks = 0

  constructor(format: ObjectFormat = 'sha1', bare = true) {
    this.folder = mkdtempSync(join(tmpdir(), 'signet-git-'))
    this.place = {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'A U Thor',
        GIT_AUTHOR_EMAIL: 'a@example.org',
        GIT_COMMITTER_NAME: 'A U Thor',
        GIT_COMMITTER_EMAIL: 'a@example.org',
        GIT_AUTHOR_DATE: '1700000000 +0000',
        GIT_COMMITTER_DATE: '1700000000 +0000',
      },
    }
    const kind = bare ? ['--bare'] : []
    this.git(['init', '-q', ...kind, '-b', 'main', `--object-format=${format}`, '.'])
  }

  git(args: readonly string[], input: string | Buffer = ''): string {
    return execFileSync('git', args, {
      cwd: this.folder,
      env: this.place.env,
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 1 << 30,
    }).replace(/\n$/, '')
  }

  /** The id a revision names. */
  id(revision: string): string {
    return this.git(['rev-parse', '--verify', revision])
  }

  /** Writes a tree from path → content (a string), or an id with a mode. */
  tree(files: Readonly<Record<string, string>>): string {
    const index = join(this.folder, `index-${String(++this.#marks)}`)
    const env = { ...this.place.env, GIT_INDEX_FILE: index }
    const lines = Object.entries(files).map(([path, content]) => {
      const blob = this.git(['hash-object', '-w', '--stdin'], content)
      return `100644 ${blob}\t${path}\n`
    })
    const run = (args: readonly string[], input = ''): string =>
      execFileSync('git', args, { cwd: this.folder, env, input, encoding: 'utf8' }).trim()
    run(['update-index', '--add', '--index-info'], lines.join(''))
    const tree = run(['write-tree'])
    rmSync(index, { force: true })
    return tree
  }

  commit(tree: string, parents: readonly string[] = [], message = 'm'): string {
    return this.git(['commit-tree', tree, ...parents.flatMap((id) => ['-p', id]), '-m', message])
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
