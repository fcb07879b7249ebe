import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { readTextFile } from '../../config/text-file.ts'
import { searchEntriesV1 } from '../../sigstore/rekor-search.ts'
import { deadlineIn } from '../../sigstore/retry.ts'
import type { LogLookup } from '../../verification/online.ts'

/**
 * The log that the settings name, asked over the network; one deadline for all questions.
 *
 * @throws UsageError SETTING_INVALID, CA_FILE
 */
export function onlineLookup(sources: SettingSources): LogLookup {
  const url = new URL(readSetting('rekor', sources).value)
  const caFile = readSetting('caFile', sources).value
  const options = {
    env: sources.env,
    ca: caFile === undefined ? undefined : readTextFile(caFile, 'CA_FILE', 'the CA file'),
    deadline: deadlineIn(readSetting('timeout', sources).value * 1000),
  }
  return { find: (certificate) => searchEntriesV1(url, certificate, options) }
}
