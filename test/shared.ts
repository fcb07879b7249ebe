import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const project = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Folder of the shared test data: `SIGNET_SHARED`, else `../shared`; undefined where it is absent. */
export const sharedFolder: string | undefined = [
  process.env['SIGNET_SHARED'] ?? join(project, '..', 'shared'),
].find((folder) => existsSync(join(folder, 'corpus')))

/** Path of a shared test file, or undefined where the data is absent. */
export function sharedPath(name: string): string | undefined {
  return sharedFolder === undefined ? undefined : join(sharedFolder, name)
}

/** Reads a shared file; only call it in tests that run where the data is present. */
export function readShared(name: string): Buffer {
  const path = sharedPath(name)
  if (path === undefined) throw new Error(`shared test data is absent: ${name}`)
  return readFileSync(path)
}

/** Lines of a shared JSON Lines file. */
export function readSharedLines<T>(name: string): T[] {
  return readShared(name)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** Regular files of a .tar.gz by name. */
export function readTarGz(archive: Buffer): Map<string, Buffer> {
  const tar = gunzipSync(archive)
  const files = new Map<string, Buffer>()
  let longName: string | undefined
  for (let at = 0; at + 512 <= tar.length;) {
    const header = tar.subarray(at, at + 512)
    const text = (from: number, length: number): string =>
      header
        .subarray(from, from + length)
        .toString('utf8')
        .split('\0')[0] ?? ''
    const name = text(0, 100)
    if (name === '') break
    const size = parseInt(text(124, 12).trim(), 8)
    const type = String.fromCharCode(header[156] ?? 0)
    const content = tar.subarray(at + 512, at + 512 + size)
    const prefix = text(345, 155)
    if (type === 'L') longName = content.toString('utf8').replace(/\0+$/, '')
    else {
      if (type === '0' || type === '\0') {
        files.set(
          (longName ?? (prefix === '' ? name : `${prefix}/${name}`)).replace(/^\.\//, ''),
          content,
        )
      }
      longName = undefined
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}
