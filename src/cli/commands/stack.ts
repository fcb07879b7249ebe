import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { EXIT, UsageError } from '../../errors.ts'
import { defineCommand, defineGroup } from '../command.ts'
import type { Context } from '../context.ts'
import { quoteShell } from '../../encoding/shell.ts'

const directoryOption = {
  dir: {
    type: 'string',
    value: 'D',
    summary: 'where its keys, logs and files are (default: in your data directory)',
  },
} as const

/** The stack is a server with libraries of its own: it is loaded when it is asked for. */
const load = () => import('../../localstack/stack-process.ts')

const up = defineCommand({
  name: 'up',
  summary: 'Start it in the background, and return when it answers',
  options: {
    port: { type: 'string', value: 'N', summary: 'port of a new stack (default: any free one)' },
    ...directoryOption,
    test: { type: 'boolean', summary: 'also open the token and fault routes, for tests' },
  },
  examples: ['git signet stack up', 'eval "$(git signet stack env)"'],
  async run(context, { options }) {
    const directory = directoryOf(context, options.dir)
    const port = parsePort(options.port)
    const { BACKGROUND_VARIABLE, serveStack, startBackgroundStack } = await load()
    const { stdout } = context.streams
    if (context.env[BACKGROUND_VARIABLE] !== undefined) {
      await serveStack({ directory, port, isTest: options.test }, (line) => {
        stdout.write(line)
      })
      return EXIT.ok
    }
    const { url, info, isNew } = await startBackgroundStack({
      directory,
      port,
      isTest: options.test,
      program: process.execPath,
      args: [
        context.programPath,
        'stack',
        'up',
        '--dir',
        directory,
        ...(port === undefined ? [] : ['--port', String(port)]),
        ...(options.test ? ['--test'] : []),
      ],
      env: context.env,
    })
    stdout.write(
      `local sigstore ${isNew ? 'started' : 'already running'} at ${url} (process ${info.pid})\n`,
    )
    stdout.write(`state: ${directory}\n`)
    stdout.write(`use it in this shell: eval "$(${commandLine('env', options.dir)})"\n`)
    return EXIT.ok
  },
})

const down = defineCommand({
  name: 'down',
  summary: 'Stop it; keys and logs stay',
  options: directoryOption,
  async run(context, { options }) {
    const { stopBackgroundStack } = await load()
    const wasRunning = await stopBackgroundStack(directoryOf(context, options.dir))
    context.streams.stdout.write(wasRunning ? 'local sigstore stopped\n' : 'not running\n')
    return EXIT.ok
  },
})

const status = defineCommand({
  name: 'status',
  summary: 'Say whether it runs, where, and what it has logged (exit 4 when it does not run)',
  options: directoryOption,
  async run(context, { options }) {
    const directory = directoryOf(context, options.dir)
    const { readStackStatus } = await load()
    const found = await readStackStatus(directory)
    const { stdout } = context.streams
    if (found.kind === 'none') stdout.write('no local sigstore: git signet stack up makes one\n')
    else if (found.kind === 'stopped') stdout.write(`stopped\nstate: ${directory}\n`)
    else {
      const { pid, isTest, entries } = found.info
      stdout.write(
        `running at ${found.url} (process ${pid})${isTest ? ', test routes open' : ''}\n`,
      )
      stdout.write(`state: ${directory}\n`)
      stdout.write(`logged: ${entries.ct} certificates, ${entries.rekor} signatures in Rekor v1, `)
      stdout.write(`${entries.rekorV2} in Rekor v2\n`)
    }
    return found.kind === 'running' ? EXIT.ok : EXIT.unchecked
  },
})

const env = defineCommand({
  name: 'env',
  summary: 'Print shell lines that make git-signet use it',
  description:
    'Beside the file printed here, the state directory holds gitsign.env and cosign.env, trusted_root.json, signing_config.v0.2.json and the keys as PEM files.',
  options: directoryOption,
  async run(context, { options }) {
    const directory = directoryOf(context, options.dir)
    const { readStackStatus } = await load()
    const found = await readStackStatus(directory)
    if (found.kind === 'none') {
      throw new UsageError('STACK_NONE', `there is no local sigstore in ${directory}`, {
        hint: commandLine('up', options.dir),
      })
    }
    const { stdout, stderr } = context.streams
    stdout.write(await readFile(join(directory, 'git-signet.env'), 'utf8'))
    if (found.kind === 'stopped') {
      stderr.write(`git-signet: warning: the local sigstore is not running\n`)
      stderr.write(`git-signet: hint: ${commandLine('up', options.dir)}\n`)
    }
    return EXIT.ok
  },
})

const reset = defineCommand({
  name: 'reset',
  summary: 'Delete its keys, logs and files; what it signed can then be verified by nobody',
  options: directoryOption,
  async run(context, { options }) {
    const directory = directoryOf(context, options.dir)
    const { resetStack } = await load()
    const others = await resetStack(directory)
    const { stdout } = context.streams
    stdout.write(`deleted the local sigstore in ${directory}\n`)
    if (others.length > 0) {
      stdout.write(`left there, because it is not the stack's: ${JSON.stringify(others)}\n`)
    }
    return EXIT.ok
  },
})

/** `git-signet stack …`: the local sigstore. */
export const stack = defineGroup({
  name: 'stack',
  summary: 'A local sigstore for trying and testing: login, certificates, logs, timestamps',
  description:
    'Everything runs in one process on this machine and says LOCAL in its names; nothing that it vouches for counts unless its trusted root is named.',
  commands: [up, down, status, env, reset],
})

function directoryOf(context: Context, given: string | undefined): string {
  return given === undefined
    ? join(dataDirectory(context.env), 'stack')
    : resolve(context.cwd, given)
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new UsageError('STACK_PORT', 'cannot use that port: it is not a number from 1 to 65535')
  }
  return port
}

function commandLine(verb: string, given: string | undefined): string {
  return `git signet stack ${verb}${given === undefined ? '' : ` --dir ${quoteShell(given)}`}`
}
