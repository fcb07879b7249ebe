import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { defineCommand } from '../../src/cli/command.ts'
import { nearest } from '../../src/cli/nearest.ts'
import { parseCommandLine } from '../../src/cli/parse.ts'

const example = defineCommand({
  name: 'example',
  summary: 'Try the parser',
  operands: 'REV…',
  operandCount: { max: 2 },
  options: {
    identity: {
      type: 'string',
      value: 'WHO',
      summary: 'who',
      aliases: ['certificate-identity'],
    },
    format: { type: 'string', value: 'F', summary: 'how', multiple: true },
    color: { type: 'string', value: 'WHEN', summary: 'when', choices: ['always', 'never'] },
    output: { type: 'string', value: 'FILE', short: 'o', summary: 'where' },
    explain: { type: 'boolean', summary: 'why' },
  },
  run: () => Promise.resolve(0 as const),
})

const parse = (...argv: string[]) => parseCommandLine(example, 'example', argv)

function refusal(...argv: string[]): UsageError {
  try {
    parse(...argv)
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('parseCommandLine()', () => {
  it('gives every option a value, also those not typed', () => {
    expect(parse()).toEqual({
      options: {
        identity: undefined,
        format: [],
        color: undefined,
        output: undefined,
        explain: false,
      },
      positionals: [],
      beforeTerminator: undefined,
      wantsHelp: false,
    })
  })

  it('reads values with and without "=", short names, aliases and repetitions', () => {
    const { options, positionals } = parse(
      ...[
        '--certificate-identity',
        'a@b',
        'HEAD',
        '-o',
        'x',
        '--format=text',
        '--format',
        'json=f',
      ],
    )
    expect(options).toMatchObject({ identity: 'a@b', output: 'x', format: ['text', 'json=f'] })
    expect(positionals).toEqual(['HEAD'])
  })

  it('takes everything after -- for operands and says where that was', () => {
    expect(parse('A', '--', '--explain')).toMatchObject({
      options: { explain: false },
      positionals: ['A', '--explain'],
      beforeTerminator: 1,
    })
  })

  it('takes a lone "-" for a value', () => {
    expect(parse('-o', '-').options['output']).toBe('-')
  })

  it.each([
    [['--identiy', 'x'], 'UNKNOWN_OPTION', 'did you mean --identity?'],
    [['--zzzzzz'], 'UNKNOWN_OPTION', 'git-signet help example'],
    [['-x'], 'UNKNOWN_OPTION', 'git-signet help example'],
    [['--identity'], 'OPTION_VALUE', 'git-signet help example'],
    [['--identity', '--explain'], 'OPTION_VALUE', 'if it is the value: --identity=--explain'],
    [['--explain=yes'], 'OPTION_VALUE', 'git-signet help example'],
    [['--color', 'sometimes'], 'OPTION_VALUE', 'git-signet help example'],
    [['--identity', 'a', '--certificate-identity=b'], 'OPTION_REPEATED', 'git-signet help example'],
    [['A', 'B', 'C'], 'OPERAND_COUNT', 'git-signet help example'],
  ])('refuses %j with %s', (argv, code, hint) => {
    expect(refusal(...argv)).toMatchObject({ code, hint, exit: 2 })
  })

  it('escapes what was typed in its message', () => {
    expect(refusal('--\u001b[31m').message).toContain('\\u{1b}')
  })

  it('lets --help win over missing operands', () => {
    expect(parse('-h').wantsHelp).toBe(true)
  })
})

describe('nearest()', () => {
  it.each([
    ['verfy', 'verify'],
    ['stauts', 'status'],
    ['comp', 'completion'],
    ['xyz', undefined],
    ['', undefined],
  ])('takes %j for %j', (typed, meant) => {
    expect(nearest(typed, ['setup', 'status', 'verify', 'verify-tag', 'completion'])).toBe(meant)
  })
})
