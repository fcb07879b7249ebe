import { DEFINITIONS, keysOf } from '../../config/definitions.ts'
import { escapeText } from '../../encoding/escape.ts'
import type { GitConfig } from '../../git/config.ts'
import { quoteShell } from '../../encoding/shell.ts'
import type { Finding } from './report.ts'

const TRUST = 'trust comes from one trusted root: git config signet.trustedRoot FILE'

/** gitsign's settings that decide something there and nothing here; what to do instead. */
const GITSIGN: Readonly<Record<string, string>> = {
  'gitsign.fulcioroot': TRUST,
  'gitsign.timestampcertchain': TRUST,
  'gitsign.logpath': 'the last failure is kept, and git-signet status shows it',
}

/** Settings that somebody made and nobody reads: of gitsign's by name, and any `signet.` that is none. */
export function unreadSettings(config: GitConfig): Finding[] {
  const known = new Set(
    Object.values(DEFINITIONS).flatMap((setting) => keysOf(setting).map(sectionAndNameLower)),
  )
  return config.keys().flatMap((key): Finding[] => {
    const shown = escapeText(key)
    if (key.startsWith('signet.') && !known.has(key)) {
      return [
        {
          code: 'SETTING_UNKNOWN',
          kind: 'configuration',
          message: `${shown} is set, but there is no such setting`,
          hint: `git config --show-origin --get-all ${quoteShell(shown)}\nmend its name (the README lists them all) or unset it there`,
        },
      ]
    }
    const instead = GITSIGN[key]
    if (instead === undefined) return []
    return [
      {
        code: 'SETTING_UNREAD',
        kind: 'note',
        message: `${shown} is gitsign's alone and not read here`,
        hint: instead,
      },
    ]
  })
}

/** As `GitConfig.keys` gives them. */
function sectionAndNameLower(key: string): string {
  const [first = '', ...rest] = key.split('.')
  const last = rest.pop() ?? ''
  return [first.toLowerCase(), ...rest, last.toLowerCase()].join('.')
}
