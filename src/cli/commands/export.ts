import { rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UnavailableError, UsageError } from '../../errors.ts'
import { ObjectReader } from '../../git/objects.ts'
import { splitObject } from '../../git/split.ts'
import { bundleOfSignature } from '../../verification/signature-bundle.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'

export const exportCommand = defineCommand({
  name: 'export',
  summary: "Write an object's signature as a Sigstore bundle, and what it signs",
  operands: 'OBJECT',
  operandCount: { min: 1, max: 1 },
  description: `Writes the signature of a commit or tag to FILE as a Sigstore bundle (version 0.3), and what it is over to FILE.artifact: the signed attributes, which hold the digest of the object's payload. cosign verify-blob and every other Sigstore verifier accept the pair.

It verifies nothing itself.`,
  examples: ['git-signet export HEAD -o head.sigstore.json'],
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', summary: 'where the bundle goes' },
  },
  async run(context, { options, positionals: [name = ''] }) {
    if (options.output === undefined) {
      throw new UsageError('USAGE', 'no file to write to', { hint: 'name one: -o FILE' })
    }
    const { bundle, artifact } = bundleOfSignature(await readSignature(context, name))
    const path = resolve(context.cwd, options.output)
    await writeBoth([
      { path: `${path}.artifact`, content: artifact },
      { path, content: bundle },
    ])
    return EXIT.ok
  },
})

async function readSignature(context: Context, name: string): Promise<Uint8Array> {
  const reader = new ObjectReader({ cwd: context.cwd, env: context.env })
  const shown = escapeText(name)
  try {
    const object = await reader.read(name)
    if (object.kind === 'missing') {
      throw new UsageError('NO_SUCH_OBJECT', `there is no object ${shown}`)
    }
    if (object.type !== 'commit' && object.type !== 'tag') {
      throw new UsageError('NO_SIGNED_OBJECT', `${shown} is a ${object.type}, not a commit or tag`)
    }
    if (object.kind === 'too-large') {
      throw new UnavailableError('LIMIT', `${shown} is larger than is read`)
    }
    const { signature, signatureKind } = splitObject(object.type, object.bytes, object.format)
    if (signature === undefined || signatureKind !== 'x509') {
      throw new UnavailableError('UNSIGNED', `${shown} has no X.509 signature`)
    }
    return signature
  } finally {
    await reader.close()
  }
}

/** Both files or none: each is written aside first. */
async function writeBoth(
  files: readonly { path: string; content: string | Uint8Array }[],
): Promise<void> {
  const aside = (path: string): string => `${path}.${String(process.pid)}.tmp`
  try {
    for (const { path, content } of files) await writeFile(aside(path), content, { flag: 'wx' })
    for (const { path } of files) await rename(aside(path), path)
  } catch (error) {
    for (const { path } of files) await rm(aside(path), { force: true })
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const path = escapeText(files.at(-1)?.path ?? '')
    throw new UnavailableError('FILE_UNWRITABLE', `cannot write ${path}: ${code}`, { cause: error })
  }
}
