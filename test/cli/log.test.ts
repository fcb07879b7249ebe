import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeShared } from '../corpus/truth.ts'
import { HistoryPerson } from './history-person.ts'
import type { ProcessResult } from './run-program.ts'

describeShared('git-signet log', () => {
  let person: HistoryPerson
  beforeAll(async () => {
    person = await HistoryPerson.create('ampel-main')
  })
  afterAll(() => {
    person.remove()
  })
  const log = (...args: string[]): Promise<ProcessResult> => person.at('log', ...args)

  it('draws what git log --graph draws, each commit with its proven signer', async () => {
    const { status, stdout, stderr } = await log()
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
    const drawn = await person.run('git', ['log', '--graph', '--format=%h %s', '--abbrev=10'], {
      cwd: person.history,
    })
    const lines = stdout.split('\n')
    const graphOf = (line: string): string => line.replace(/[0-9a-f]{10} .*/, '').trimEnd()
    expect(lines.slice(0, -3).map(graphOf)).toEqual(drawn.stdout.trimEnd().split('\n').map(graphOf))
    expect(stdout).toMatch(/[0-9a-f]{10} \? puerco@carabiner\.dev {2}/)
    expect(stdout).toMatch(/[0-9a-f]{10} ✗ fail UNSIGNED {2}/)
    expect(stdout).toMatch(/[0-9a-f]{10} \? unknown puercozon@gmail\.com NOT_LOGGED {2}/)
  })

  it('says once that nobody checked the signers', async () => {
    const { stdout } = await log('HEAD~5..HEAD')
    expect(stdout.match(/signer not checked/g)).toHaveLength(1)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^signer not checked: /)
  })

  it('judges by the identity that git’s configuration names', async () => {
    const env = { SIGNET_IDENTITY: 'puerco@carabiner.dev', SIGNET_IDENTITY_ISSUER: 'google' }
    const { stdout } = await person.atWith(env, 'log', 'HEAD~60..HEAD')
    expect(stdout).toMatch(/[0-9a-f]{10} (✓ pass|✗ fail) puerco@carabiner\.dev/)
    expect(stdout).not.toContain('signer not checked')
  })

  it('an empty range draws nothing', async () => {
    expect(await log('HEAD..HEAD')).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('says what git does not understand, and takes no option through', async () => {
    const unknown = await log('no-such-branch')
    expect(unknown).toMatchObject({ status: 2, stdout: '' })
    expect(unknown.stderr).toContain('no-such-branch')
    expect((await log('--output=/dev/null')).status).toBe(2)
  })

  it('draws no more commits than -n says', async () => {
    const { status, stdout } = await log('-n', '2')
    expect({ status, commits: stdout.match(/^[|*\\/ ]*\* /gm)?.length }).toEqual({
      status: 4,
      commits: 2,
    })
    const wrong = await log('-n', 'two')
    expect({ status: wrong.status, stderr: wrong.stderr }).toEqual({
      status: 2,
      stderr:
        'git-signet: error: -n needs a number of commits, not "two"\ngit-signet: hint: git signet log -n 20\n',
    })
  })

  it('follows paths as git log does', async () => {
    const path = await person.plainRepository('paths', ['a', '--output=x'])
    const run = (...args: string[]): Promise<ProcessResult> =>
      person.run(process.execPath, [person.program, 'log', ...args], { cwd: path })
    const { status, stdout } = await run('--', '--output=x')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^\* [0-9a-f]{10} ✗ fail UNSIGNED {2}\(HEAD -> main\) add --output=x\n$/)
    expect((await run('main', '--', 'a')).stdout).toContain('add a')
  })

  it('ends quietly when its reader does', async () => {
    const { stderr, stdout } = await person.run(
      'sh',
      ['-c', `"$0" "$1" log | head -n 1`, process.execPath, person.program],
      { cwd: person.history },
    )
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toHaveLength(2)
  })
})
