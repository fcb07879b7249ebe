const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A path's bytes as text: UTF-8, and every byte that is not part of valid UTF-8 as the lone
 * surrogate U+DC80–U+DCFF, so that two paths are equal exactly when their bytes are.
 */
export function pathText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    // Not UTF-8, which is a fact about the path and no error.
    return bytewise(bytes)
  }
}

function bytewise(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    const text = decodeOne(bytes.subarray(at, at + length))
    parts.push(text ?? String.fromCharCode(0xdc00 + byte))
    at += text === undefined ? 1 : length
  }
  return parts.join('')
}

function decodeOne(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes)
    return [...text].length === 1 ? text : undefined
  } catch {
    // The same as above, for one character.
    return undefined
  }
}
