import { DerReader, readDer } from '../../src/asn1/der.ts'
import { der } from '../../src/asn1/write.ts'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { parseSubjects } from '../../src/bundle/statement.ts'
import { berToDer } from '../../src/cms/ber.ts'
import { parseSignedData } from '../../src/cms/signed-data.ts'
import { decodeUtf8, equalBytes, latin1 } from '../../src/encoding/bytes.ts'
import { readMessage } from '../../src/encoding/protobuf.ts'
import { SignetError } from '../../src/errors.ts'
import { objectFindings } from '../../src/git/object-form.ts'
import { splitObject } from '../../src/git/split.ts'
import { parseGpgArguments } from '../../src/gpg/arguments.ts'
import { verifyStatusLines } from '../../src/gpg/status.ts'
import { policyDiff } from '../../src/policy/diff.ts'
import { readPolicy } from '../../src/policy/parse.ts'
import { policyWarnings } from '../../src/policy/warnings.ts'
import { encodeTimestampResponse, parseTimestampResponse } from '../../src/rfc3161/response.ts'
import { parseTimestampToken } from '../../src/rfc3161/token.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../src/tlog/checkpoint.ts'
import { decodeLogEntry, encodeLogEntry } from '../../src/tlog/entry.ts'
import { logEntryFromJson, logEntryToJson } from '../../src/tlog/entry-json.ts'
import { encodeNote, parseNote } from '../../src/tlog/note.ts'
import { readSignatureForm } from '../../src/verification/signature-form.ts'
import { certificateFacts, signerFacts, whyNoSigner } from '../../src/verification/signer.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { embeddedScts, tbsWithoutScts } from '../../src/x509/sct.ts'

/** Takes any bytes; throws `Finding` where a reader breaks its word, and nothing else but bugs. */
export type Target = (bytes: Uint8Array) => void

/** What a reader must not do. */
export class Finding extends Error {}

/** A reader may refuse, with one of its errors; everything else it throws is a bug. */
function mayRefuse<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SignetError) return undefined
    throw error
  }
}

function hold(claim: boolean, what: string): void {
  if (!claim) throw new Finding(what)
}

/** Every reader of hostile bytes by name. */
export const TARGETS: Readonly<Record<string, Target>> = {
  der(bytes) {
    walkDer(bytes, 0)
  },

  object(bytes) {
    for (const type of ['commit', 'tag', 'push-certificate'] as const) {
      for (const format of ['sha1', 'sha256'] as const) {
        const split = splitObject(type, bytes, format)
        hold(split.payload.length <= bytes.length, 'the payload is longer than the object')
        const hasHeader = split.headers.some(({ name }) => name.startsWith('gpgsig'))
        if (split.signature === undefined && !hasHeader) {
          hold(equalBytes(split.payload, bytes), 'an unsigned object is not its own payload')
        }
        // What is accepted must say the same when it is put together again.
        if (objectFindings(split).length === 0 && type !== 'commit') {
          const { payload, signature = new Uint8Array() } = split
          hold(equalBytes(Buffer.concat([payload, signature]), bytes), 'bytes are lost')
        }
      }
    }
  },

  cms(bytes) {
    mayRefuse(() => parseSignedData(bytes))
    mayRefuse(() => readSignatureForm(bytes, parseCertificate))
    const converted = mayRefuse(() => berToDer(bytes))
    if (converted !== undefined) {
      const again = mayRefuse(() => berToDer(converted))
      hold(again !== undefined && equalBytes(again, converted), 'BER to DER is not stable')
    }
  },

  certificate(bytes) {
    const certificate = mayRefuse(() => parseCertificate(bytes))
    if (certificate === undefined) return
    hold(equalBytes(certificate.der, bytes), 'the certificate is not its bytes')
    certificateFacts(certificate)
    signerFacts(certificate, 'fuzz')
    whyNoSigner(certificate)
    mayRefuse(() => embeddedScts(certificate))
    mayRefuse(() => readDer(tbsWithoutScts(certificate)))
  },

  protobuf(bytes) {
    mayRefuse(() => readMessage(bytes))
    const entry = mayRefuse(() => decodeLogEntry(bytes))
    if (entry === undefined) return
    const written = encodeLogEntry(entry)
    hold(equalBytes(encodeLogEntry(decodeLogEntry(written)), written), 'an entry is not stable')
    if (entry.logId.length === 0) return
    const throughJson = mayRefuse(() => logEntryFromJson(logEntryToJson(entry)))
    hold(throughJson !== undefined, 'an entry cannot be written as JSON')
  },

  note(bytes) {
    const text = decodeUtf8(bytes)
    if (text === undefined) return
    const note = mayRefuse(() => parseNote(text))
    if (note !== undefined) hold(encodeNote(note) === text, 'a note has two spellings')
    for (const body of [text, note?.text]) {
      const checkpoint = body === undefined ? undefined : mayRefuse(() => parseCheckpoint(body))
      if (checkpoint === undefined) continue
      hold(encodeCheckpoint(checkpoint) === body, 'a checkpoint has two spellings')
    }
  },

  timestamp(bytes) {
    const token = mayRefuse(() => parseTimestampResponse(bytes))
    if (token !== undefined) {
      const again = parseTimestampResponse(encodeTimestampResponse(token))
      hold(equalBytes(again, token), 'a response is not stable')
    }
    for (const candidate of [bytes, token]) {
      if (candidate === undefined) continue
      const parsed = mayRefuse(() => parseTimestampToken(candidate))
      if (parsed !== undefined) hold(Number.isFinite(parsed.info.genTimeMs), 'a time is no number')
    }
  },

  status(bytes) {
    const words = latin1(bytes).split('\n')
    mayRefuse(() => parseGpgArguments(words))
    const signer = Buffer.from(bytes).toString('utf8')
    const fingerprint = '0'.repeat(64)
    for (const [lines, text] of [
      [4, verifyStatusLines({ kind: 'good', fingerprint, signer, time: 0, trust: 'fully' })],
      [3, verifyStatusLines({ kind: 'bad', fingerprint, signer })],
    ] as const) {
      const found = text.split('\n')
      hold(found.pop() === '' && found.length === lines, 'a name makes a status line of its own')
      hold(
        found.every((line) => line.startsWith('[GNUPG:] ')),
        'a line is no status line',
      )
      hold(!/[\0-\t\v-\x1f\x7f]/.test(text), 'a control character reaches git')
      hold(/SIG 0{64} \S/.test(text), 'a name is empty: git would take the next line for it')
    }
  },

  policy(bytes) {
    const policyBranch = 'refs/heads/main'
    const { policy, problems, lineOf } = readPolicy(bytes, 'policy.toml', { policyBranch })
    hold((policy === undefined) === problems.length > 0, 'a policy with mistakes, or none without')
    const lines = latin1(bytes).split('\n').length
    for (const { line, message } of problems) {
      hold(Number.isInteger(line) && line >= 1 && line <= lines, 'a mistake on no line')
      hold(!/[\0-\x1f\x7f-\x9f]/.test(message), 'a mistake with a control character')
    }
    if (policy === undefined) return
    hold(policy.admins.length > 0, 'nobody may change it')
    for (const { line } of policyWarnings(policy, { policyBranch, lineOf, before: policy })) {
      hold(line === undefined || (line >= 1 && line <= lines), 'a warning on no line')
    }
    hold(policyDiff(policy, policy).length === 0, 'it differs from itself')
  },

  bundle(bytes) {
    const text = decodeUtf8(bytes)
    if (text === undefined) return
    const bundle = mayRefuse(() => parseBundle(text))
    if (bundle?.content.kind !== 'envelope') return
    const { envelope } = bundle.content
    mayRefuse(() => parseSubjects(envelope))
  },
}

function walkDer(bytes: Uint8Array, depth: number): void {
  if (depth > 64) return
  const reader = new DerReader(bytes)
  while (!reader.done) {
    const element = mayRefuse(() => reader.next())
    if (element === undefined) return
    hold(equalBytes(der(element.tag, element.content), element.bytes), 'DER has two spellings')
    for (const read of [
      (inner: DerReader) => inner.oid(),
      (inner: DerReader) => inner.time(),
      (inner: DerReader) => inner.bigInteger(),
      (inner: DerReader) => inner.smallInteger(),
      (inner: DerReader) => inner.boolean(),
      (inner: DerReader) => inner.bitString(),
      (inner: DerReader) => inner.utf8String(),
    ]) {
      mayRefuse(() => read(new DerReader(element.bytes)))
    }
    if ((element.tag & 0x20) !== 0) walkDer(element.content, depth + 1)
  }
}
