import { decodeBase64 } from '../encoding/base64.ts'

/** Key types a policy may pin. ssh-dss and certificates are refused, RSA below 2048 bits too. */
const TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]

/**
 * A public key line (`type base64 [comment]`) as `type base64`, the form of `Signer.value`.
 * Returns a string that says what is wrong, in `problem`. Does not check the key's numbers.
 */
export function parseSshKeyLine(line: string): { value: string } | { problem: string } {
  const [type = '', base64 = ''] = line.split(' ')
  if (!TYPES.includes(type)) {
    return {
      problem: `must be a whole public key line, "TYPE BASE64 COMMENT", TYPE one of ${TYPES.join(', ')}`,
    }
  }
  const blob = decodeBase64(base64)
  if (blob === undefined) return { problem: 'the key is not base64' }
  const fields = sshStrings(blob)
  if (fields === undefined || fields.length < 2) return { problem: 'the key is cut off' }
  if (Buffer.from(fields[0] ?? []).toString('latin1') !== type) {
    return { problem: 'the key is of another type than the line says' }
  }
  if (type === 'ssh-rsa' && bits(fields[2]) < 2048) {
    return { problem: 'RSA keys need 2048 bits or more' }
  }
  return { value: `${type} ${base64}` }
}

/** RFC 4251 strings, to the last byte. */
function sshStrings(blob: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  const fields: Uint8Array[] = []
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) return undefined
    const end = at + 4 + view.getUint32(at)
    if (end > blob.length) return undefined
    fields.push(blob.subarray(at + 4, end))
    at = end
  }
  return fields
}

function bits(integer: Uint8Array | undefined): number {
  const start = integer?.findIndex((byte) => byte !== 0) ?? -1
  if (integer === undefined || start === -1) return 0
  return (integer.length - start) * 8 - (Math.clz32(integer[start] ?? 0) - 24)
}
