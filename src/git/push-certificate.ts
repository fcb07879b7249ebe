import { latin1 } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import type { ObjectFormat } from '../facts.ts'
import { isObjectId } from './object-form.ts'
import { splitObject, type SplitObject } from './split.ts'

/** One ref update a push certificate names. */
export interface PushCommand {
  readonly before: string
  readonly after: string
  /** Raw bytes of the ref name, one character a byte. */
  readonly ref: string
}

/** What a push certificate says; nothing of it is proven. */
export interface PushCertificate {
  readonly pusher: Uint8Array
  readonly pushee: string | undefined
  readonly nonce: string | undefined
  readonly options: readonly string[]
  readonly commands: readonly PushCommand[]
  readonly split: SplitObject
}

/**
 * Reads a push certificate (git: Documentation/gitprotocol-pack, "push-cert"). Checks no signature and
 * no nonce.
 *
 * @throws MalformedError PUSH_CERT_MALFORMED
 */
export function parsePushCertificate(bytes: Uint8Array, format: ObjectFormat): PushCertificate {
  const split = splitObject('push-certificate', bytes, format)
  const [version, pusher, ...headers] = split.headers
  if (version?.name !== 'certificate' || latin1(version.value) !== 'version 0.1') {
    throw malformed('it does not start with "certificate version 0.1"')
  }
  if (pusher?.name !== 'pusher') throw malformed('no pusher on the second line')
  const single = new Map<string, string>()
  const options: string[] = []
  for (const { name, value, hasValue } of headers) {
    if (!hasValue || /[\0\n\r]/.test(latin1(value))) throw malformed('a header of another form')
    if (name === 'push-option') options.push(latin1(value))
    else if (name !== 'pushee' && name !== 'nonce') throw malformed('an unknown header')
    else if (single.has(name)) throw malformed(`two ${name} headers`)
    else single.set(name, latin1(value))
  }
  return {
    pusher: pusher.value,
    pushee: single.get('pushee'),
    nonce: single.get('nonce'),
    options,
    commands: parseCommands(latin1(split.body), format),
    split,
  }
}

function parseCommands(body: string, format: ObjectFormat): PushCommand[] {
  const lines = body.split('\n')
  if (lines.pop() !== '') throw malformed('the last command is not terminated')
  const refs = new Set<string>()
  return lines.map((line) => {
    const [, before = '', after = '', ref = ''] = /^(\S+) (\S+) (\S+)$/.exec(line) ?? []
    if (!isObjectId(before, format) || !isObjectId(after, format)) {
      throw malformed('a line that is no command')
    }
    if (refs.has(ref)) throw malformed('two commands for one ref')
    refs.add(ref)
    return { before, after, ref }
  })
}

function malformed(why: string): MalformedError {
  return new MalformedError('PUSH_CERT_MALFORMED', `push certificate is malformed: ${why}`)
}
