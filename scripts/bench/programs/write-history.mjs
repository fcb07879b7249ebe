// Writes a bare repository of N commits in a row, each signed as gitsign signs: a certificate of a
// throw-away CA (one for every K commits) with an SCT, and a Rekor v1 entry with proof, checkpoint and
// promise. The trusted root lies beside the objects as trusted_root.json.
//
//   write-history.mjs FOLDER N K        (bundled first: it imports the project's sources)
import { execFileSync, spawn } from 'node:child_process'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { derBitString, derSequence } from '../../../src/asn1/write.ts'
import {
  armorSignature,
  buildSignedAttrs,
  buildSignedData,
  logEntryAttribute,
} from '../../../src/cms/build.ts'
import { sha256 } from '../../../src/crypto/digest.ts'
import { createCodeSigningHierarchy } from '../../../src/localstack/ca-hierarchy.ts'
import {
  draftCertificate,
  encodeTbs,
  readIssuer,
  signFinalCertificate,
} from '../../../src/localstack/signing-certificate.ts'
import { submitPrecertificate } from '../../../src/localstack/ct-log.ts'
import { logKey, signTreeHead } from '../../../src/localstack/log-key.ts'
import { principalOf } from '../../../src/localstack/principal.ts'
import { encodeLogEntry } from '../../../src/tlog/entry.ts'
import { hashedrekordBodyV1 } from '../../../src/tlog/hashedrekord.ts'
import { leafHash } from '../../../src/tlog/merkle.ts'
import { MerkleTree } from '../../../src/tlog/tree.ts'
import { promisePayload } from '../../../src/tlog/verify-entry.ts'
import { parseCertificate } from '../../../src/x509/certificate.ts'

const folder = process.argv[2]
const [count, perCertificate] = process.argv.slice(3).map(Number)
const now = Math.floor(Date.now() / 1000)

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spkiOf = (pair) => pair.publicKey.export({ type: 'spki', format: 'der' })

const hierarchy = await createCodeSigningHierarchy('bench', Date.now() - 86_400_000)
const issuer = readIssuer(hierarchy.chain[0], hierarchy.key)
const issuerSpki = parseCertificate(hierarchy.chain[0]).publicKey.spki
const ctKey = logKey(newKey().privateKey, 'localhost/ct', 'localhost/ct')
const rekorKey = logKey(newKey().privateKey, 'localhost - 1193050959916656506', 'localhost')
const principal = principalOf('email', {
  iss: 'http://localhost',
  sub: 'bench',
  email: 'bench@example.org',
  email_verified: true,
})

/** One SCT list of a given length: an ECDSA signature is 70 to 72 bytes long. */
function sctList(tbs, length) {
  const ctLog = { key: ctKey }
  const precertificate = { tbs, issuerSpki, chain: [] }
  for (let at = now * 1000; ; at += 1) {
    const { sctList: list } = submitPrecertificate(ctLog, precertificate, at)
    if (length === undefined || list.length === length) return list
  }
}

/** Same length, other bytes, at the place where the old ones are. */
function patched(bytes, replacements) {
  const copy = Buffer.from(bytes)
  for (const [old, fresh] of replacements) {
    const at = copy.indexOf(old)
    if (at === -1 || old.length !== fresh.length) throw new Error('the template does not fit')
    Buffer.from(fresh).copy(copy, at)
  }
  return copy
}

// asn1js takes milliseconds for a certificate; all but the first are the first with other bytes in it.
const serial = (number) => Buffer.from(`40${number.toString(16).padStart(38, '0')}`, 'hex')
const first = { pair: newKey(), serial: serial(0) }
const draft = draftCertificate(issuer, {
  spki: spkiOf(first.pair),
  principal,
  now,
  serial: first.serial,
})
const template = encodeTbs(draft)
const templateScts = sctList(template)
const finished = parseCertificate(await signFinalCertificate(draft, templateScts))
const keyId = (spki) => createHash('sha1').update(spki.subarray(-65)).digest()

function issue(number) {
  const pair = newKey()
  const changes = [
    [first.serial, serial(number)],
    [spkiOf(first.pair), spkiOf(pair)],
    [keyId(spkiOf(first.pair)), keyId(spkiOf(pair))],
  ]
  const scts = sctList(patched(template, changes), templateScts.length)
  const tbs = patched(finished.tbs, [...changes, [templateScts, scts]])
  const signature = sign('sha384', tbs, hierarchy.key)
  const bytes = derSequence(tbs, signatureAlgorithm, derBitString(signature))
  return { pair, certificate: parseCertificate(bytes) }
}

/** The DER between TBSCertificate and signature. */
const signatureAlgorithm = Buffer.from('300a06082a8648ce3d040303', 'hex')

const log = new MerkleTree()

function signed(payload, { pair, certificate }) {
  const signedAttrs = buildSignedAttrs(sha256(payload), now)
  const signature = sign('sha256', signedAttrs, pair.privateKey)
  const body = hashedrekordBodyV1({
    algorithm: 'sha256',
    digest: sha256(signedAttrs),
    signature,
    verifier: { der: certificate.der, isCertificate: true, publicKey: certificate.publicKey },
  })
  const index = log.append(leafHash(body))
  const head = signTreeHead(rekorKey, log.size, log.root())
  const entry = {
    logIndex: BigInt(index),
    logId: rekorKey.keyId,
    kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
    integratedTime: BigInt(now),
    inclusionProof: {
      logIndex: BigInt(index),
      rootHash: head.rootHash,
      treeSize: BigInt(head.treeSize),
      hashes: log.inclusionProof(index),
      checkpoint: head.checkpoint,
    },
  }
  const inclusionPromise = rekorKey.sign(promisePayload(entry, body))
  const attribute = logEntryAttribute(encodeLogEntry({ ...entry, inclusionPromise }))
  return armorSignature(buildSignedData(certificate, signedAttrs, signature, [attribute]))
}

/** One object of a pack (gitformat-pack): type and size, then zlib. */
function packed(bytes) {
  const header = [(1 << 4) | (bytes.length & 15)]
  for (let rest = bytes.length >> 4; rest > 0; rest >>= 7) {
    header[header.length - 1] |= 0x80
    header.push(rest & 0x7f)
  }
  return Buffer.concat([Buffer.from(header), deflateSync(bytes, { level: 1 })])
}

execFileSync('git', ['init', '-q', '--bare', '-b', 'main', folder])
const index = spawn('git', ['-C', folder, 'index-pack', '--stdin'], {
  stdio: ['pipe', 'ignore', 'inherit'],
})
const packHash = createHash('sha1')
async function write(bytes) {
  packHash.update(bytes)
  if (!index.stdin.write(bytes)) await once(index.stdin, 'drain')
}

const head = Buffer.alloc(12)
head.write('PACK')
head.writeUInt32BE(2, 4)
head.writeUInt32BE(count, 8)
await write(head)
let parent = ''
let signer
for (let number = 1; number <= count; number += 1) {
  if (signer === undefined || (number - 1) % perCertificate === 0) signer = issue(number)
  const at = `${now - count + number} +0000`
  const headers = [
    'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904',
    ...(parent === '' ? [] : [`parent ${parent}`]),
    `author Bench <bench@example.org> ${at}`,
    `committer Bench <bench@example.org> ${at}`,
  ].join('\n')
  const message = `\n\ncommit ${number}\n`
  const armor = signed(Buffer.from(headers + message), signer)
  const folded = armor.trimEnd().replaceAll('\n', '\n ')
  const commit = Buffer.from(`${headers}\ngpgsig ${folded}${message}`)
  parent = createHash('sha1').update(`commit ${commit.length}\0`).update(commit).digest('hex')
  await write(packed(commit))
}
index.stdin.end(packHash.digest())
const [code] = await once(index, 'close')
if (code !== 0) throw new Error(`git index-pack: ${code}`)
execFileSync('git', ['-C', folder, 'update-ref', 'refs/heads/main', parent])

const validFor = { start: '2020-01-01T00:00:00Z' }
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const logOf = (baseUrl, { spki, keyDetails, keyId: id }) => ({
  baseUrl,
  hashAlgorithm: 'SHA2_256',
  publicKey: { rawBytes: base64(spki), keyDetails, validFor },
  logId: { keyId: base64(id) },
})
const certificates = hierarchy.chain.map((bytes) => ({ rawBytes: base64(bytes) }))
const trustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [logOf('http://localhost', rekorKey)],
  certificateAuthorities: [
    {
      subject: { organization: 'git-signet LOCAL', commonName: 'bench' },
      uri: 'http://localhost',
      certChain: { certificates },
      validFor,
    },
  ],
  ctlogs: [logOf('http://localhost/ct', ctKey)],
  timestampAuthorities: [],
}
writeFileSync(join(folder, 'trusted_root.json'), JSON.stringify(trustedRoot))
