import { sha256 } from '../../forge/world.ts'
import { world, rows, bad, other } from './forgery.ts'
export const scts = rows(bad, [
  ['no SCT', { leafOptions: { sct: null } }, 'SCT_INVALID', 'sct'],
  ['an SCT of another log', { leafOptions: { sct: { key: other } } }, 'SCT_INVALID', 'sct'],
  [
    'an SCT of another log under our log’s id',
    { leafOptions: { sct: { key: other, logId: sha256(world.ct.spki) } } },
    'SCT_INVALID',
    'sct',
  ],
  [
    'an SCT for another issuer',
    { leafOptions: { sct: { issuerSpki: world.root.key.spki } } },
    'SCT_INVALID',
    'sct',
  ],
  [
    'an SCT of another certificate',
    { leafOptions: { sct: { signature: Uint8Array.of(0x30, 0) } } },
    'SCT_INVALID',
    'sct',
  ],
  ['an SCT of version 2', { leafOptions: { sct: { version: 1 } } }, 'SCT_INVALID', 'sct'],
  [
    'an SCT signed as RSA',
    { leafOptions: { sct: { signatureAlgorithm: 1 } } },
    'SCT_INVALID',
    'sct',
  ],
  ['an SCT over SHA-1', { leafOptions: { sct: { hashAlgorithm: 2 } } }, 'SCT_INVALID', 'sct'],
  [
    'bytes after the SCT list',
    { leafOptions: { sct: { edit: (list) => Buffer.concat([list, Uint8Array.of(0)]) } } },
    'SCT_INVALID',
    'sct',
  ],
  [
    'a cut SCT list',
    { leafOptions: { sct: { edit: (list) => list.subarray(0, -1) } } },
    'SCT_INVALID',
    'sct',
  ],
  ['an empty SCT list', { leafOptions: { sct: { times: 0 } } }, 'SCT_INVALID', 'sct'],
])
