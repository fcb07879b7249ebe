import { derNull, derOid, derSequence } from '../../../src/asn1/write.ts'
import { OID } from '../../../src/asn1/oid.ts'
import { uriName, usernameName } from '../../forge/leaf.ts'
import { T0, bytes, makeTsaLeaf, makeWorld } from '../../forge/world.ts'
import { world, V2 } from './forgery.ts'
import type { Forgery } from './forgery.ts'
const rsaTsa = makeWorld({ ...world, tsa: makeTsaLeaf(world.tsaRoot, { kind: 'rsa' }) })
/** RFC 4055 §5: NULL, or as the timestamp authority of Sigstore writes it nothing; likewise RFC 3370 §3.2. */
const rsaTokens: Forgery[] = [
  derSequence(derOid(OID.sha256WithRsaEncryption), derNull()),
  derSequence(derOid(OID.sha256WithRsaEncryption)),
  derSequence(derOid(OID.rsaEncryption), derNull()),
  derSequence(derOid(OID.rsaEncryption)),
].map((signatureAlgorithm, i) => ({
  name: `a stamp by an RSA key, its algorithm written in way ${String(i + 1)}`,
  by: rsaTsa,
  trusted: rsaTsa,
  cms: { log: { version: 'v2' }, token: { signatureAlgorithm } },
  outcome: 'proven',
}))

/** What is right, at its edges: each must be proven. */
export const genuine: Forgery[] = [
  { name: 'a Rekor v1 signature', cms: {}, outcome: 'proven' },
  { name: 'a Rekor v1 signature with a timestamp', cms: { token: {} }, outcome: 'proven' },
  { name: 'a Rekor v2 signature with a timestamp', cms: V2, outcome: 'proven' },
  {
    name: 'a Rekor v2 entry stamped 0.0.1, as gitsign 0.17 does',
    cms: { token: {}, log: { version: 'v2', kindVersion: '0.0.1' } },
    outcome: 'proven',
  },
  { name: 'a tree of one leaf', cms: { log: { before: 0, after: 0 } }, outcome: 'proven' },
  {
    name: 'an entry that brings its body',
    cms: { log: { canonicalBody: true } },
    outcome: 'proven',
  },
  {
    name: 'the intermediate before the leaf',
    cms: { certificates: (leaf) => [world.intermediate.certificate, leaf] },
    outcome: 'proven',
  },
  {
    name: 'a leaf issued by the root',
    cms: { leafOptions: { issuer: world.root } },
    outcome: 'proven',
  },
  {
    name: 'only the raw issuer (2022)',
    cms: { leafOptions: { issuerV2: null } },
    outcome: 'proven',
  },
  {
    name: 'a URI as signer',
    cms: { leafOptions: { san: [uriName('https://a/b')] } },
    outcome: 'proven',
  },
  { name: 'a username', cms: { leafOptions: { san: [usernameName('a!b')] } }, outcome: 'proven' },
  { name: 'integrated at notBefore', cms: { log: { integratedTime: T0 } }, outcome: 'proven' },
  { name: 'integrated at notAfter', cms: { log: { integratedTime: T0 + 600 } }, outcome: 'proven' },
  { name: 'stamped at notBefore', cms: { ...V2, token: { genTime: T0 } }, outcome: 'proven' },
  { name: 'stamped at notAfter', cms: { ...V2, token: { genTime: T0 + 600 } }, outcome: 'proven' },
  {
    name: 'integrated as the log key begins',
    trust: { rekor: { start: T0 + 5 } },
    outcome: 'proven',
  },
  { name: 'integrated as the log key ends', trust: { rekor: { end: T0 + 5 } }, outcome: 'proven' },
  {
    name: 'stamped as the TSA begins',
    cms: V2,
    trust: { tsa: { start: T0 + 3 } },
    outcome: 'proven',
  },
  { name: 'stamped as the TSA ends', cms: V2, trust: { tsa: { end: T0 + 3 } }, outcome: 'proven' },
  { name: 'an SCT as the CT key begins', trust: { ctlog: { start: T0 } }, outcome: 'proven' },
  { name: 'an SCT as the CT key ends', trust: { ctlog: { end: T0 } }, outcome: 'proven' },
  {
    name: 'the CA window ends as it was logged',
    trust: { ca: { end: T0 + 5 } },
    outcome: 'proven',
  },
  {
    name: 'an SCT with extensions',
    cms: { leafOptions: { sct: { extensions: bytes('xy') } } },
    outcome: 'proven',
  },
  ...rsaTokens,
]
