import { readFileSync, statSync } from 'node:fs'
import { LIMITS } from '../../encoding/limits.ts'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { Facts } from '../../facts.ts'
import { jsonLine } from '../../report/media.ts'
import { styleFor } from '../../report/terminal.ts'
import { factsText } from '../../report/text-facts.ts'
import { pushCertificate } from '../../verification/object.ts'
import type { Context } from '../context.ts'
import { defineCommand } from '../command.ts'
import { PROOF_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'Show what the signatures of commits and tags say; judges nobody',
  operands: 'OBJECT…',
  description: `Prints every check, the certificate, trusted times and log entries. --json prints one JSON line for each object, in the order asked (schema git-signet.facts/1).

Exit 0 when every object could be read, whatever its signature is worth; 4 when one could not.`,
  examples: ['git signet inspect HEAD', 'git rev-list main | git signet inspect --json --stdin'],
  options: {
    json: { type: 'boolean', summary: 'print one JSON line for each object' },
    stdin: { type: 'boolean', summary: 'read object names from standard input, one a line' },
    'push-certificate': {
      type: 'string',
      value: 'FILE',
      summary: 'look at a push certificate that was saved to a file',
    },
    ...PROOF_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const file = options['push-certificate']
    if (positionals.length === 0 && !options.stdin && file === undefined) {
      throw new UsageError('NOTHING_NAMED', 'no object is named', {
        hint: 'git signet inspect HEAD',
      })
    }
    const prover = await Prover.open(context, options)
    try {
      const print = printer(context, prover, options.json)
      let exit: ExitCode = EXIT.ok
      const inspectOne = async (name: string): Promise<void> => {
        const { facts, object } = await prover.prove(name)
        if (object === undefined) exit = EXIT.unchecked
        print(facts)
      }
      for (const name of positionals) await inspectOne(name)
      if (options.stdin) for await (const name of lines(context)) await inspectOne(name)
      if (file !== undefined) print(await prover.proveObject(readPushCertificate(file)))
      await prover.settle()
      for (const warning of prover.warnings) {
        context.streams.stderr.write(`git-signet: warning: ${escapeText(warning, 1000)}\n`)
      }
      return exit
    } finally {
      await prover.close()
    }
  },
})

function printer(context: Context, prover: Prover, json: boolean): (facts: Facts) => void {
  const { stdout } = context.streams
  const style = styleFor(stdout, context.env)
  const run = { now: context.clock() / 1000, trustRoots: prover.reportedRoots }
  return (facts) => {
    stdout.write(json ? `${jsonLine(facts)}\n` : `${factsText(facts, run, style)}\n`)
  }
}

async function* lines(context: Context): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of context.streams.stdin.chunks()) {
    const parts = (rest + Buffer.from(chunk).toString('utf8')).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > 4096) throw new UsageError('OBJECT_NAME', 'an object name has no end')
    for (const part of parts) if (part !== '') yield part
  }
  if (rest !== '') yield rest
}

function readPushCertificate(file: string): ReturnType<typeof pushCertificate> {
  try {
    if (statSync(file).size > LIMITS.objectBytes) {
      throw new UsageError('PUSH_CERTIFICATE', `${escapeText(file)} is too long`)
    }
    return pushCertificate(readFileSync(file))
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error && 'code' in error)) throw error
    throw new UsageError(
      'PUSH_CERTIFICATE',
      `cannot read ${escapeText(file)}: ${String(error.code)}`,
      { cause: error },
    )
  }
}
