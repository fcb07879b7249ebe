import { T0 } from '../../forge/world.ts'
import { rows, bad, incomplete, V2 } from './forgery.ts'
import type { Forgery } from './forgery.ts'
export const times: Forgery[] = [
  ...rows(bad, [
    [
      'integrated one second before notBefore',
      { log: { integratedTime: T0 - 1 } },
      'OUTSIDE_CERTIFICATE_VALIDITY',
      'trusted-time',
    ],
    [
      'integrated one second after notAfter',
      { log: { integratedTime: T0 + 601 } },
      'OUTSIDE_CERTIFICATE_VALIDITY',
      'trusted-time',
    ],
    [
      'stamped one second before notBefore',
      { ...V2, token: { genTime: T0 - 1 } },
      'OUTSIDE_CERTIFICATE_VALIDITY',
      'trusted-time',
    ],
    [
      'stamped one second after notAfter',
      { ...V2, token: { genTime: T0 + 601 } },
      'OUTSIDE_CERTIFICATE_VALIDITY',
      'trusted-time',
    ],
    [
      'logged in time, stamped too late',
      { token: { genTime: T0 + 601 } },
      'OUTSIDE_CERTIFICATE_VALIDITY',
      'trusted-time',
    ],
    [
      'stamped in time, logged too late',
      { token: {}, log: { integratedTime: T0 + 601 } },
      'OUTSIDE_CERTIFICATE_VALIDITY',
      'trusted-time',
    ],
  ]),
  {
    name: 'integrated one second before the log key',
    trust: { rekor: { start: T0 + 6 } },
    ...bad,
    code: 'LOG_ENTRY_INVALID',
    failed: 'log-promise',
  },
  {
    name: 'integrated one second after the log key',
    trust: { rekor: { end: T0 + 4 } },
    ...bad,
    code: 'LOG_ENTRY_INVALID',
    failed: 'log-promise',
  },
  {
    name: 'stamped one second before the TSA',
    cms: V2,
    trust: { tsa: { start: T0 + 4 } },
    ...bad,
    code: 'TIMESTAMP_INVALID',
    failed: 'timestamp',
  },
  {
    name: 'stamped one second after the TSA',
    cms: V2,
    trust: { tsa: { end: T0 + 2 } },
    ...bad,
    code: 'TIMESTAMP_INVALID',
    failed: 'timestamp',
  },
  {
    name: 'an SCT one second before the CT key',
    trust: { ctlog: { start: T0 + 1 } },
    ...bad,
    code: 'SCT_INVALID',
    failed: 'sct',
  },
  {
    name: 'an SCT one second after the CT key',
    trust: { ctlog: { end: T0 - 1 } },
    ...bad,
    code: 'SCT_INVALID',
    failed: 'sct',
  },
]

export const missing = rows(incomplete, [
  ['no log entry', { log: null }, 'NOT_LOGGED', 'log-entry'],
  ['a stamp and no log entry', { log: null, token: {} }, 'NOT_LOGGED', 'log-entry'],
  [
    'a Rekor v2 entry without a stamp',
    { log: { version: 'v2' } },
    'NO_TRUSTED_TIME',
    'trusted-time',
  ],
  ['a v1 entry without its promise', { log: { promise: null } }, 'NO_TRUSTED_TIME', 'trusted-time'],
])
