import { derBitString } from '../../../src/asn1/write.ts'
import { OID } from '../../../src/asn1/oid.ts'
import { attribute } from '../../forge/object.ts'
import { bytes } from '../../forge/world.ts'
import { bad } from './forgery.ts'
import type { Forgery } from './forgery.ts'
import { cmsForm, content } from './cms.ts'
import { certificates, chains } from './certificates.ts'
import { scts } from './scts.ts'
import { logs, swappedEntry } from './logs.ts'
import { stamps, tsaLeaves, foreignToken } from './timestamps.ts'
import { times, missing } from './times.ts'
export const forgeries: readonly Forgery[] = [
  ...cmsForm,
  ...content,
  ...certificates,
  ...chains,
  ...scts,
  ...logs,
  ...stamps,
  ...tsaLeaves,
  ...times,
  ...missing,
  {
    name: 'the entry of another signature by the same certificate',
    cms: swappedEntry(),
    ...bad,
    code: 'LOG_ENTRY_INVALID',
    failed: 'log-inclusion',
  },
  {
    name: 'the stamp of another signature',
    cms: { unsignedAttrs: (all) => [...all, attribute(OID.timeStampToken, foreignToken())] },
    ...bad,
    code: 'TIMESTAMP_INVALID',
    failed: 'timestamp',
  },
  {
    name: 'bit string junk in the place of an attribute',
    cms: { unsignedAttrs: (all) => [...all, derBitString(bytes('x'))] },
    ...bad,
    code: 'MALFORMED',
    failed: 'cms-form',
  },
]
