import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { readTextFile } from '../../config/text-file.ts'
import { latin1 } from '../../encoding/bytes.ts'
import { UnavailableError } from '../../errors.ts'
import { LruCache } from '../../git/lru-cache.ts'
import { searchEntriesV1 } from '../../sigstore/rekor-search.ts'
import { deadlineIn } from '../../sigstore/retry.ts'
import type { TransparencyLogEntry } from '../../tlog/entry.ts'
import type { LogLookup } from '../../verification/online.ts'

type Answer = readonly TransparencyLogEntry[]

const SHORT_MS = 3_000
/** From so many failures in a row on, the log is only tried now and then. */
const TIRED_AFTER = 4
const TRY_EVERY = 25

/**
 * The log that the settings name, asked over the network. Each question has the time that the setting
 * gives; while the log does not answer, little, and at last only some are asked.
 *
 * @throws UsageError SETTING_INVALID, CA_FILE
 */
export function onlineLookup(sources: SettingSources): LogLookup {
  const url = new URL(readSetting('rekor', sources).value)
  const caFile = readSetting('caFile', sources).value
  const ca = caFile === undefined ? undefined : readTextFile(caFile, 'CA_FILE', 'the CA file')
  const patientMs = readSetting('timeout', sources).value * 1000
  /** One certificate can have signed many objects. */
  const answers = new LruCache<Promise<Answer>>(64)
  let failures = 0
  let passedOver = 0
  let last: UnavailableError | undefined

  const ask = async (certificate: Uint8Array): Promise<Answer> => {
    const isTired = failures >= TIRED_AFTER
    if (isTired && last !== undefined && ++passedOver % TRY_EVERY !== 0) throw last
    const deadline = deadlineIn(failures === 0 ? patientMs : Math.min(patientMs, SHORT_MS))
    try {
      const answer = await searchEntriesV1(url, certificate, { env: sources.env, ca, deadline })
      failures = 0
      return answer
    } catch (error) {
      if (error instanceof UnavailableError) {
        failures++
        last = error
      }
      throw error
    }
  }
  return {
    find(certificate) {
      const key = latin1(certificate)
      const known = answers.get(key)
      if (known !== undefined) return known
      const asked = ask(certificate)
      answers.set(key, asked)
      asked.catch(() => {
        answers.delete(key)
      })
      return asked
    },
  }
}
