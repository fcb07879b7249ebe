import { latin1 } from '../encoding/bytes.ts'
import type { ObjectFormat } from '../facts.ts'
import { nearbyPaths } from '../git/nearby.ts'
import { objectId } from '../git/objects.ts'
import type { RawObject } from '../git/objects.ts'
import { repositoryPaths } from '../git/refs.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import { RememberingReader } from '../git/remembering-reader.ts'
import type { GitPlace } from '../git/run.ts'
import { withSignatureHeader } from '../verification/object.ts'

/** A commit or tag with its signature, as git has stored it. */
export type SignedObject = RawObject & { readonly type: 'commit' | 'tag' }

/** The repository that git has started us in, and who reads its objects. */
export interface GpgRepository {
  readonly place: GitPlace
  readonly paths: RepositoryPaths
  /** It has the object at hand. */
  readonly reader: RememberingReader
  /** Whether git has the object too. */
  readonly isHere: boolean
}

/**
 * The object of which git hands over payload and signature apart: the signature is the last header of a
 * commit and the end of a tag. Undefined where it is something else, such as a push certificate.
 */
export function rebuildObject(payload: Uint8Array, armor: Uint8Array): SignedObject | undefined {
  const [, header, id = ''] =
    /^(tree|object) ([0-9a-f]+)\n/.exec(latin1(payload.subarray(0, 80))) ?? []
  if (header === undefined || (id.length !== 40 && id.length !== 64)) return undefined
  const format: ObjectFormat = id.length === 40 ? 'sha1' : 'sha256'
  const type = header === 'tree' ? 'commit' : 'tag'
  const bytes = Buffer.from(
    type === 'tag'
      ? Buffer.concat([payload, armor])
      : withSignatureHeader(payload, armor, format === 'sha1' ? 'gpgsig' : 'gpgsig-sha256'),
  )
  const own = objectId(type, bytes, format)
  return { kind: 'object', id: own, type, format, bytes, idMatches: true }
}

/** Parents of a commit, the target of a tag: they are asked about whatever the policy says. */
function namedBy({ bytes }: SignedObject): string[] {
  const head = latin1(bytes.subarray(0, 512))
  return [...head.matchAll(/^(?:parent|object) ([0-9a-f]{40,64})$/gm)].map(([, id = '']) => id)
}

/**
 * The repository that an object is of.
 *
 * @param names - what will be asked for besides the object and what it names
 * @throws UnavailableError as runGit: there is no repository here, or none that git may use
 */
export async function openGpgRepository(
  object: SignedObject,
  names: readonly string[] = [],
): Promise<GpgRepository> {
  const place = { cwd: process.cwd(), env: process.env }
  const reader = new RememberingReader(place)
  reader.readNow([object.id, ...namedBy(object), ...names])
  const stored = await reader.read(object.id)
  reader.remember(object)
  const paths = nearbyPaths(place, object.format) ?? (await repositoryPaths(place))
  const isHere = stored.kind !== 'missing' && stored.type === object.type
  return { place, paths, reader, isHere }
}
