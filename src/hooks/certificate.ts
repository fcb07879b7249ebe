import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { latin1 } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import { isUnanswered } from '../policy/git-answers.ts'
import type { GitAnswers } from '../policy/git-answers.ts'
import type { PushCertificateEvidence, Step } from '../policy/context.ts'
import { identBytes } from '../policy/ident.ts'
import { parsePushCertificate } from '../git/push-certificate.ts'
import type { Environment } from '../git/run.ts'
import { pushCertificate } from '../verification/object.ts'
import type { StoredObject } from '../verification/object.ts'
import { HOOK_LIMITS } from './limits.ts'

export interface ReceivedCertificate {
  readonly evidence: PushCertificateEvidence
  /** Undefined where there is none that could be read. */
  readonly object: StoredObject | undefined
}

export interface CertificateQuestion {
  readonly git: GitAnswers
  /** As git gave it to the hook. */
  readonly env: Environment
  /** What the hook was given, by the names the pusher used. */
  readonly steps: readonly Step[]
  readonly gitDir: string
  /** Exact names of this repository (`signet.hook.pushee`); none: told by its folder. */
  readonly pushees: readonly string[]
  /** Whether a push with a certificate of this id was let through before. */
  readonly isUsed: (id: string) => boolean
}

/**
 * The certificate that came with a push, and what speaks against it: nonce, pushee, lines. Its signature
 * is not looked at here.
 *
 * @see git-receive-pack(1), GIT_PUSH_CERT
 */
export async function readCertificate(
  question: CertificateQuestion,
): Promise<ReceivedCertificate | undefined> {
  const { git, env, steps } = question
  const id = env['GIT_PUSH_CERT'] ?? ''
  if (id === '') return undefined
  const bytes = await git.blob(id, HOOK_LIMITS.certificateBytes)
  if (isUnanswered(bytes)) {
    const problems = [`the push certificate cannot be read: ${bytes.detail}`]
    return { evidence: { id, problems, pusher: '' }, object: undefined }
  }
  const object = { ...pushCertificate(bytes), id, format: git.format }
  try {
    const certificate = parsePushCertificate(bytes, git.format)
    const problems = [
      ...nonceProblems(env, certificate.nonce),
      ...pusheeProblems(question, certificate.pushee),
      ...(question.isUsed(id) ? ['it was used for a push before'] : []),
    ]
    const given = steps.map(({ before, after, ref }) => `${before} ${after} ${identBytes(ref)}`)
    const signed = certificate.commands.map(({ before, after, ref }) => `${before} ${after} ${ref}`)
    if (given.sort().join('\n') !== signed.sort().join('\n')) {
      problems.push('its lines are not the refs that this push moves')
    }
    return { evidence: { id, problems, pusher: latin1(certificate.pusher) }, object }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return { evidence: { id, problems: [error.message], pusher: '' }, object }
  }
}

/**
 * A certificate that a hook accepted, for an audit: who signed it is asked again, its nonce cannot be.
 *
 * @returns undefined where it is no longer kept
 */
export async function readRecordedCertificate(
  git: GitAnswers,
  id: string,
  steps: readonly Step[],
): Promise<ReceivedCertificate | undefined> {
  const bytes = await git.blob(id, HOOK_LIMITS.certificateBytes)
  if (isUnanswered(bytes) && bytes.unanswered === 'MISSING_OBJECT') return undefined
  if (isUnanswered(bytes)) {
    return { evidence: { id, problems: [bytes.detail], pusher: '' }, object: undefined }
  }
  const object = { ...pushCertificate(bytes), id, format: git.format }
  try {
    const { pusher, commands } = parsePushCertificate(bytes, git.format)
    // Names of symbolic refs were resolved before they were written down.
    const signed = new Set(commands.map(({ before, after }) => `${before} ${after}`))
    const isWhole = steps.every(({ before, after }) => signed.has(`${before} ${after}`))
    const problems = isWhole ? [] : ['its lines are not the refs that this push moved']
    return { evidence: { id, problems, pusher: latin1(pusher) }, object }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return { evidence: { id, problems: [error.message], pusher: '' }, object }
  }
}

/** git has compared the nonce with the one it gave, or says why it could not. */
function nonceProblems(env: Environment, nonce: string | undefined): string[] {
  const status = env['GIT_PUSH_CERT_NONCE_STATUS'] ?? ''
  if (status === '' || status === 'UNSOLICITED') {
    return ['its nonce is not from this repository: receive.certNonceSeed is not set']
  }
  if (status === 'SLOP') {
    return [
      'its nonce is of an earlier second than the push: over http the server needs receive.certNonceSlop (60)',
    ]
  }
  if (status !== 'OK') return [`its nonce is ${status}: it was signed for another push`]
  return nonce === undefined || nonce !== env['GIT_PUSH_CERT_NONCE']
    ? ['its nonce is not the one that git checked']
    : []
}

function pusheeProblems(
  { gitDir, pushees }: CertificateQuestion,
  pushee: string | undefined,
): string[] {
  if (pushee === undefined) return ['it does not say where it was pushed to']
  if (pushees.length > 0) {
    return pushees.includes(pushee) ? [] : [`it was signed for another repository, ${pushee}`]
  }
  return isOurs(pushee, gitDir) ? [] : [`it was signed for another repository, ${pushee}`]
}

/** A path must be this folder; of a URL the last part must be its name (the nonce binds the rest). */
function isOurs(pushee: string, gitDir: string): boolean {
  const own = [gitDir, ...(basename(gitDir) === '.git' ? [dirname(gitDir)] : [])]
  const path = pathOf(pushee)
  if (path !== undefined && isAbsolute(path)) return own.some((place) => isSameFolder(path, place))
  const name = nameOf(path ?? pushee.replace(/^[^:/]*:(?!\/\/)/, ''))
  return name === '' || own.some((place) => nameOf(place) === name)
}

/** A path on this machine; undefined for a URL of another kind and `host:path`. */
function pathOf(pushee: string): string | undefined {
  if (pushee.startsWith('file://')) {
    try {
      return fileURLToPath(pushee)
    } catch {
      return undefined
    }
  }
  return /^[^/]*:/.test(pushee) ? undefined : pushee
}

function isSameFolder(path: string, place: string): boolean {
  for (const candidate of [path, `${path}.git`, `${path}/.git`]) {
    try {
      if (realpathSync(candidate) === realpathSync(place)) return true
    } catch {
      // It is not there: it is not ours.
    }
  }
  return false
}

function nameOf(path: string): string {
  return basename(path.replace(/[/.]+$/, '')).replace(/\.git$/, '')
}
