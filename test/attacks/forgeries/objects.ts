import type { StoredObject } from '../../../src/verification/object.ts'
import { TAG_PAYLOAD, armor, commitWith, makeCms, objectId, PAYLOAD } from '../../forge/object.ts'
import { world } from './forgery.ts'
import type { Forgery } from './forgery.ts'

/** The forged signature as a commit and as a tag, each under its own true id. */
export function objects(forgery: Forgery): StoredObject[] {
  const signature = (payload: Uint8Array): string =>
    armor(makeCms(forgery.by ?? world, payload, forgery.cms))
  const commit = commitWith(signature(PAYLOAD))
  const tag = Buffer.concat([TAG_PAYLOAD, Buffer.from(signature(TAG_PAYLOAD))])
  return (
    [
      ['commit', commit],
      ['tag', tag],
    ] as const
  ).map(([type, bytes]) => ({
    id: objectId(type, bytes),
    type,
    format: 'sha1',
    bytes,
    idMatches: true,
  }))
}
