import { derInteger, derOid, derSequence, derUtf8String } from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { parsePem } from '../../src/encoding/pem.ts'
import { encodeTimestampResponse } from '../../src/rfc3161/response.ts'
import { bundleOfSignature } from '../../src/verification/signature-bundle.ts'
import { readShared, readTarGz, sharedFolder } from '../shared.ts'
import { signedObjects } from '../tlog/signed-objects.ts'

const PER_TARGET = 40

const text = (value: string): Buffer => Buffer.from(value, 'utf8')

/** What each target starts from where there is no shared data. */
const SMALL: Readonly<Record<string, Uint8Array[]>> = {
  der: [derSequence(derInteger(1), derOid(OID.sha256), derUtf8String('x'))],
  object: [
    text('tree 0\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\ngpgsig x\n y\n\nmessage\n'),
    text(
      'object 0\ntype commit\ntag v1\ntagger a <a> 0 +0000\n\nv1\n-----BEGIN SIGNED MESSAGE-----\n',
    ),
  ],
  policy: [
    text(`version = 1
admins = ["alice"]
other-refs = "deny"
[people.alice]
email = "alice@example.org"
issuer = "google"
git = ["a@b"]
also = [{ uri = "https://a.example/x", issuer = "github", until = 2026-01-01T00:00:00Z }]
[shared.staff]
email = "*@corp.example"
issuer = "microsoft"
[forges.github]
pgp = ["968479A1AFF927E37D1A566BB5690EEEBB952194"]
committer = "noreply@github.com"
accept = ["clean-merge", "matching-squash"]
[bots.b]
forge = "github"
author = "b@users.example"
paths = ["deps/", "*.lock"]
[teams]
core = ["alice"]
[[protect]]
refs = ["refs/heads/**"]
by = ["core", "staff", "b"]
merge-by = ["core", "github"]
[[protect]]
refs = ["refs/tags/v*"]
by = ["core"]
on = ["refs/heads/main"]
[[accept]]
commit = "${'a'.repeat(40)}"
covers = "ancestors"
reason = "old"
[[revoke]]
person = "alice"
from = 2026-01-01T00:00:00Z
to = 2026-01-02T00:00:00+02:00
except = ["${'b'.repeat(40)}"]
[trust.corp]
root = ".signet/trust/corp.json"
sha256 = "${'c'.repeat(64)}"
`),
    text('version = 1\nadmins = ["a"]\n[people.a]\nssh = ["ssh-ed25519 AAAA"]\n'),
  ],
  note: [text('log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— log AAECAwQ=\n')],
  status: [text('--status-fd=2\n-bsau\nA U Thor <a@example.org>'), text('--verify\nfile\n-')],
}

/** Inputs that a target's mutations start from: real ones where the shared data is. */
export function seedsOf(target: string): Uint8Array[] {
  const seeds = [...(SMALL[target] ?? [Uint8Array.of(0x30, 0)])]
  if (sharedFolder !== undefined) seeds.push(...realSeeds(target))
  return seeds
}

function realSeeds(target: string): Uint8Array[] {
  const objects = [...signedObjects('interop'), ...signedObjects('corpus/dev').slice(0, PER_TARGET)]
  const cms = objects.map(({ armor }) => {
    return parsePem(Buffer.from(armor).toString('latin1'), 'SIGNED MESSAGE')
  })
  switch (target) {
    case 'der':
    case 'cms':
      return cms.slice(0, PER_TARGET)
    case 'object':
      return [
        ...[...readTarGz(readShared('interop/objects.tar.gz')).values()].slice(0, PER_TARGET),
        readShared('interop/push-certificate.txt'),
      ]
    case 'certificate':
      return objects.slice(0, PER_TARGET).map(({ certificate }) => certificate)
    case 'protobuf':
      return objects.flatMap(({ entryBytes }) => entryBytes ?? []).slice(0, PER_TARGET)
    case 'note':
      return objects
        .flatMap(({ entry }) => entry?.inclusionProof?.checkpoint ?? [])
        .slice(0, PER_TARGET)
        .map(text)
    case 'timestamp':
      return objects
        .flatMap(({ token }) =>
          token === undefined ? [] : [token, encodeTimestampResponse(token)],
        )
        .slice(0, PER_TARGET)
    case 'bundle':
      return objects
        .filter(({ entry }) => entry)
        .slice(0, 5)
        .map(({ armor }) => text(bundleOfSignature(armor).bundle))
    default:
      return []
  }
}
