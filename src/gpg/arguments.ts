import { UsageError } from '../errors.ts'

/** What git, or a program that speaks to gpg, asks for. */
export type GpgCall =
  | {
      readonly mode: 'sign'
      readonly armor: boolean
      /** What `-u` names; an e-mail address, `Name <e-mail>` or anything `user.signingKey` says. */
      readonly signingKey: string | undefined
      readonly statusFd: number | undefined
    }
  | {
      readonly mode: 'verify'
      readonly signatureFile: string
      /** Undefined: standard input. */
      readonly payloadFile: string | undefined
      readonly statusFd: number | undefined
    }

/** Options that take their value as the next argument when there is no `=`. */
const VALUED = new Set([
  '--status-fd',
  '--local-user',
  '--default-key',
  '--include-certs',
  '--keyid-format',
  '--homedir',
  '--digest-algo',
  '--logger-fd',
])

interface Flags {
  sign: boolean
  verify: boolean
  detached: boolean
  armor: boolean
  signingKey: string | undefined
  statusFd: number | undefined
}

/**
 * Reads the arguments that git passes to `gpg.x509.program`: `--status-fd=2 -bsau KEY` and
 * `--status-fd=1 --verify FILE -`, in any spelling getopt allows, and gitsign's flags. Flags of gpg
 * that mean nothing here are ignored, as gpg's many callers pass them.
 *
 * @param argv - without node and script
 * @throws UsageError GPG_ARGUMENTS
 */
export function parseGpgArguments(argv: readonly string[]): GpgCall {
  const flags: Flags = {
    sign: false,
    verify: false,
    detached: false,
    armor: false,
    signingKey: undefined,
    statusFd: undefined,
  }
  const positionals: string[] = []
  const rest = [...argv]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      positionals.push(...rest)
      break
    }
    if (word.startsWith('--')) readLongOption(word, rest, flags)
    else if (word.startsWith('-') && word !== '-') readShortOptions(word.slice(1), rest, flags)
    else positionals.push(word)
  }
  return toCall(flags, positionals)
}

function toCall(flags: Flags, positionals: readonly string[]): GpgCall {
  const { armor, signingKey, statusFd } = flags
  if (flags.verify) {
    if (flags.sign || flags.detached || armor) {
      throw usage('--verify does not go together with signing')
    }
    const [signatureFile, payload, ...more] = positionals
    if (signatureFile === undefined || payload === undefined || more.length > 0) {
      throw usage('--verify needs the signature file and what it signs (- is standard input)')
    }
    return {
      mode: 'verify',
      signatureFile,
      payloadFile: payload === '-' ? undefined : payload,
      statusFd,
    }
  }
  if (!flags.sign && !flags.detached) throw usage('neither signing nor --verify is asked for')
  if (!flags.detached) throw usage('only detached signatures (-b) are made')
  if (positionals.some((name) => name !== '-')) {
    throw usage('what is signed is read from standard input')
  }
  return { mode: 'sign', armor, signingKey, statusFd }
}

function readLongOption(word: string, rest: string[], flags: Flags): void {
  const equals = word.indexOf('=')
  const name = equals === -1 ? word : word.slice(0, equals)
  let value = equals === -1 ? undefined : word.slice(equals + 1)
  if (value === undefined && VALUED.has(name)) {
    value = rest.shift()
    if (value === undefined) throw usage(`${name} needs a value`)
  }
  switch (name) {
    case '--sign':
      flags.sign = true
      break
    case '--verify':
      flags.verify = true
      break
    case '--detach-sign':
    case '--detached-sign':
      flags.detached = true
      break
    case '--armor':
      flags.armor = true
      break
    case '--local-user':
      flags.signingKey = value
      break
    case '--status-fd':
      flags.statusFd = parseFileDescriptor(value ?? '')
      break
    default:
    // Another flag of gpg: its callers pass many that change nothing here.
  }
}

function readShortOptions(letters: string, rest: string[], flags: Flags): void {
  for (let at = 0; at < letters.length; at += 1) {
    switch (letters[at]) {
      case 's':
        flags.sign = true
        break
      case 'b':
        flags.detached = true
        break
      case 'a':
        flags.armor = true
        break
      case 'v':
        flags.verify = true
        break
      case 'u': {
        const attached = letters.slice(at + 1)
        flags.signingKey = attached === '' ? rest.shift() : attached
        if (flags.signingKey === undefined) throw usage('-u needs a value')
        return
      }
      default:
      // As with long flags.
    }
  }
}

function parseFileDescriptor(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,5})$/.test(text)) throw usage('--status-fd needs a number')
  return Number(text)
}

function usage(why: string): UsageError {
  return new UsageError('GPG_ARGUMENTS', `cannot act as git's signing program: ${why}`, {
    hint: 'git-signet help',
  })
}
